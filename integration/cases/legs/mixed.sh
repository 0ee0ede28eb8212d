#!/usr/bin/env bash
# F1: block devices and files in one volume, a start on each.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_loop
random_file source $((4 << 20))
loop_leg a 8M
block=$LEG
file_leg b 8M
plain=$LEG
file_leg c 4M
mount_volume size=4MiB "$plain,start=63" "$block,start=4096" "$LEG"
cp source "$VOL"
assert_same source "$VOL"
assert_state AAA 0x0 in-sync
sync "$VOL"
assert_legs_equal source "$plain,start=63" "$block,start=4096" "$LEG"
