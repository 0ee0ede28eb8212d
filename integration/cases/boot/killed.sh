#!/usr/bin/env bash
# A daemon that is killed: what is open stays dead (ENOTCONN), the next mount takes the dead mount
# point away, and everything that was acknowledged is there.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 2M
first=$LEG
file_leg b 2M
mount_volume "$first" "$LEG"
exec {open}<>"$VOL"
write_sectors "$VOL" 8 8 x
kill -KILL "$(xattr "$MNT" pid)"
wait_until 10 no_daemon || fail "killed, and still there"
assert_fails_with "not connected" head -c 1 "/proc/$BASHPID/fd/$open"
assert_fails_with "not connected" cat "$VOL"
mount_config
assert_equal x "$(sector_byte "$VOL" 8)"
assert_fails dd if="/proc/$BASHPID/fd/$open" of=read bs=512 count=1
write_sectors "$VOL" 16 8 y
exec {open}>&-
unmount
assert_same a.img b.img
# One that fails in itself is gone at once, too: nobody waits for a report of it.
mount_config
kill -ABRT "$(xattr "$MNT" pid)"
wait_until 10 no_daemon || fail "aborted, and still there"
# A dead mount is no obstacle to umount either.
mount_config
kill -KILL "$(xattr "$MNT" pid)"
wait_until 10 no_daemon || fail "killed, and still there"
"$MIRRORFS" umount "$MNT"
not_mounted "$MNT" || fail "still mounted"
