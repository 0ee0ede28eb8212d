#!/usr/bin/env bash
# M5: write_quorum: 2 with one failing leg of two is EIO; with three legs it is met; the mount
# lives on and recovers.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M
first=$LEG
leg_with_errors b 1M
bad=$LEG
file_leg c 1M
mount_volume write_quorum=2 "$first" "$bad"
fail_writes b
assert_fails_with "Input/output error" write_sectors "$VOL" 100 8 x
mend_writes b
write_sectors "$VOL" 100 8 y
sync "$VOL"
assert_equal y "$(sector_byte "$VOL" 100)"
assert_state AA 0x0 in-sync
unmount
assert_same a.img b.img

rm -r "$STATE_DIRECTORY/volumes"
mount_volume write_quorum=2 "$first" "$bad" "$LEG"
fail_writes b
write_sectors "$VOL" 200 8 z
assert_state ADA 0x2 degraded
assert_equal z "$(sector_byte "$VOL" 200)"
