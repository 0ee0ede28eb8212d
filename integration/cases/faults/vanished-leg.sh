#!/usr/bin/env bash
# M1, M3: a leg that vanishes for good (its server is killed) costs nothing but its letter.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 4M
first=$LEG
leg_with_errors b 4M
mount_volume read_policy=round-robin "$first" "$LEG"
random_file source $((4 << 20))
cp source "$VOL"
end_leg_server b
dd if="$VOL" bs=64k iflag=direct status=none | cmp - source
random_file source $((4 << 20))
cp source "$VOL"
sync "$VOL"
assert_same source "$VOL"
dd if="$VOL" bs=64k iflag=direct status=none | cmp - source
assert_equal 0x2 "$(error_bits)"
assert_equal degraded "$(state)"
unmount
assert_same source a.img
