#!/usr/bin/env bash
# M12, M4: a leg that hangs does not hold up unmounting for ever; what it missed is in the state, and it
# is resynced when it is mounted again.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 4M
first=$LEG
healthy_leg b 4M
mount_volume "$first" "$LEG,deadline=500ms"
write_sectors "$VOL" 0 100 a
hang b
write_sectors "$VOL" 10 10 b
assert_equal AW "$(letters)"
"$MIRRORFS" umount "$MNT" || true
wait_until 30 not_mounted "$MNT" || fail "still mounted"
unhang b
wait_until 30 no_daemon "$MNT" || fail "still running"
assert_equal 1 "$(log_lines leg=1 stale_sectors=)" "lines of the log"
# What is late still holds the leg's lock: no new mount can come before it.
can_mount() { "$MIRRORFS" mount "$CONFIG" "$MNT" --log "$LOG" 2>mount.out; }
wait_until 10 can_mount || fail "$(cat mount.out)"
assert_equal b "$(sector_byte "$VOL" 10)"
wait_until 10 has_letters AA
unmount
assert_same a.img b.img
