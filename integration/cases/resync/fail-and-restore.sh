#!/usr/bin/env bash
# M10, M18: a leg taken out is neither read nor written, and resynced when it is brought back; the last
# good one cannot be taken out; it stays out over a remount.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 4M
first=$LEG
file_leg b 4M
mount_volume "$first" "$LEG"
write_sectors "$VOL" 0 100 a
control 'fail 1'
assert_state AO 0x2 degraded
assert_equal taken-out "$(xattr "$VOL" leg.1.state)"
write_sectors "$VOL" 50 10 b
assert_equal a "$(sector_byte b.img 50)" "written although out"
assert_equal 50+10 "$(xattr "$VOL" leg.1.stale)"
assert_fails_with "busy" control 'fail 0'
assert_fails_with "Invalid" control 'fail 2'
unmount
mount_config
assert_equal AO "$(letters)" "after a remount"
write_sectors "$VOL" 55 10 c
control 'restore 1'
wait_until 10 has_letters AA
# However often.
for _ in 1 2 3; do
  control 'fail 1'
  control 'restore 1'
  wait_until 10 has_letters AA || fail "not back: $(letters)"
done
unmount
assert_same a.img b.img
