#!/usr/bin/env bash
# M17: another disk of the same size under the same name is noticed at mount, and not trusted.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"
need_loop

file_leg a 4M
first=$LEG
loop_leg b 4M
mount_volume "$first" "$LEG"
write_sectors "$VOL" 0 100 n
unmount
# The same disk: trusted.
mount_config
assert_equal AA "$(letters)"
unmount
losetup -d "$LEG"
filled_with x $((4 << 20)) >other.img
losetup "$LEG" other.img || skip "the loop device is taken"
mount_config
assert_state AS 0x2 degraded
assert_match "leg=1 leg_is=changed reason=\"another disk\"" "$(grep leg_is= "$LOG")"
assert_equal n "$(sector_byte "$VOL" 7)"
sleep 1
assert_equal x "$(sector_byte other.img 7)" "overwritten unasked"
control resync
wait_until 10 has_letters AA
unmount
assert_same a.img other.img
mount_config
assert_equal AA "$(letters)" "the other disk is the leg now"
unmount
