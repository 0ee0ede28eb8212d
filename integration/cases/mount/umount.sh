#!/usr/bin/env bash
# Interface: `umount` unmounts; of what is no mirrorfs mount it is an error that says so.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M
mkdir "$MNT" plain
assert_fails_with "$WORK/plain" "$MIRRORFS" umount "$WORK/plain"
assert_fails_with "$WORK/absent" "$MIRRORFS" umount "$WORK/absent"
mount_volume "$LEG"
write_sectors "$VOL" 1 1 x
"$MIRRORFS" umount "$MNT"
not_mounted "$MNT" || fail "umount returned before it was unmounted"
wait_until 10 no_daemon || fail "the process lives on"
assert_equal x "$(bytes_of a.img 512 1)"
assert_fails "$MIRRORFS" umount "$MNT"

mount_config
exec {file}<"$VOL"
assert_fails_with "[Bb]usy|in use" "$MIRRORFS" umount "$MNT"
mounted "$MNT"
head -c 1 "$VOL" >/dev/null
exec {file}<&-
unmount
if [ "$(id -u)" -eq 0 ]; then
  mount -t tmpfs tmpfs "$MNT"
  defer umount "$MNT"
  assert_fails "$MIRRORFS" umount "$MNT"
  mounted "$MNT" || fail "it unmounted what is not its own"
fi
