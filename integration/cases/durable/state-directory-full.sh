#!/usr/bin/env bash
# M4: a state directory that is full or read-only is an error before the mount, or fails the write that
# needed it.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_root
mkdir "$WORK/small"
mount -t tmpfs -o size=64k none "$WORK/small"
defer umount "$WORK/small"
STATE_DIRECTORY=$WORK/small/state
leg_with_errors a 1M
bad=$LEG
file_leg b 1M
mount_volume "$bad" "$LEG"
write_sectors "$VOL" 1 1 x
head -c 100K /dev/zero >"$WORK/small/filler" 2>/dev/null || true
fail_writes a
assert_fails_with "No space left" write_sectors "$VOL" 100 1 y
rm "$WORK/small/filler"
write_sectors "$VOL" 100 1 z
crash
mount_config
assert_equal z "$(sector_byte "$VOL" 100)"
unmount
head -c 100K /dev/zero >"$WORK/small/filler" 2>/dev/null || true
assert_fails_with "cannot be written: .*No space" "$MIRRORFS" mount "$CONFIG" "$MNT" --log "$LOG"
rm "$WORK/small/filler"
mount -o remount,ro "$WORK/small"
assert_fails_with "Read-only" "$MIRRORFS" mount "$CONFIG" "$MNT" --log "$LOG"
