#!/usr/bin/env bash
# M12, M4, M18: a leg that hangs is passed by after its deadline (letter W); what it missed stays known,
# what it still writes late does no harm, and it is resynced when it answers again.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 4M
first=$LEG
healthy_leg b 4M
mount_volume "$first" "$LEG,deadline=500ms"
write_sectors "$VOL" 0 100 a
sync "$VOL"
hang b
write_sectors "$VOL" 10 10 b # under way on the leg that hangs; it is late, and lands at last
assert_state AW 0x2 degraded
assert_equal slow "$(xattr "$VOL" leg.1.state)"
assert_equal 10+10 "$(xattr "$VOL" leg.1.stale)"
write_sectors "$VOL" 12 4 c # newer, in the midst of what is late
write_sectors "$VOL" 90 20 d
sync "$VOL"
assert_equal "10+10 90+20" "$(xattr "$VOL" leg.1.stale)"
for sector in 10:b 12:c 16:b 90:d; do
  assert_equal "${sector#*:}" "$(sector_byte "$VOL" "${sector%:*}")" "sector ${sector%:*}"
done
assert_equal 1 "$(log_lines leg=1 state=slow errno=ETIMEDOUT)" "lines of the log"
assert_fails_with "busy" control 'restore 1'
unhang b
wait_until 20 has_letters AA
wait_idle
unmount
assert_same a.img b.img
