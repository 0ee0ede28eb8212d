#!/usr/bin/env bash
# M16: legs that were there before are compared, not overwritten; where they differ the first is read
# until somebody says which is right; initial_sync says so in the config.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 4M a
first=$LEG
file_leg b 4M a
second=$LEG
write_sectors b.img 3000 2 x
write_sectors b.img 5000 1 y
sums=$(sha256sum a.img b.img)
mount_volume initial_sync=verify read_policy=round-robin "$first" "$second"
wait_idle
assert_equal "3000+2 5000+1" "$(xattr "$VOL" disputed)"
assert_state AS 0x2 degraded
for _ in 1 2 3 4; do assert_equal a "$(sector_byte "$VOL" 3001)"; done
crash
mount_config
assert_equal "3000+2 5000+1" "$(xattr "$VOL" disputed)" "after a crash"
assert_equal "$sums" "$(sha256sum a.img b.img)" "nothing was written"
# What somebody writes is right on both.
write_sectors "$VOL" 5000 1 w
sync "$VOL"
assert_equal "3000+2" "$(xattr "$VOL" disputed)"
control 'resync source=1'
wait_until 10 has_letters AA
assert_equal x "$(sector_byte "$VOL" 3001)"
unmount
assert_same a.img b.img

write_sectors b.img 9 1 z
rm -r "$STATE_DIRECTORY/volumes"
mount_volume initial_sync=first-leg "$first" "$second"
wait_until 10 has_letters AA
unmount
assert_same a.img b.img
assert_equal a "$(sector_byte a.img 9)"
