#!/usr/bin/env bash
# F2, M15, M4: a leg that cannot zero is stale in what was truncated, and reads show zeroes.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

leg_with_errors a 1M
first=$LEG
file_leg b 1M
mount_volume read_policy=round-robin "$first" "$LEG"
write_sectors "$VOL" 0 2048 o
sync "$VOL"
fail_writes a
: >"$VOL"
mend_writes a
for _ in 1 2 3; do
  dd if="$VOL" bs=64k iflag=direct status=none | cmp -n 1048576 - /dev/zero
done
assert_zeroes "$VOL" 0 1048576
assert_equal 0x1 "$(error_bits)"
write_sectors "$VOL" 0 2048 n
sync "$VOL"
assert_state AA 0x0 in-sync
assert_same a.img b.img
