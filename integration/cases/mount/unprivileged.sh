#!/usr/bin/env bash
# Deliver 5: an ordinary user mounts and unmounts through fusermount3.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_root
need setpriv fusermount3
as_nobody "$MIRRORFS" --help >/dev/null 2>&1 || skip "user nobody cannot run $MIRRORFS"
mode=$(stat -c %a /dev/fuse)
defer chmod "$mode" /dev/fuse
chmod 0666 /dev/fuse
mkdir mine
MNT=$WORK/mine/mnt VOL=$WORK/mine/mnt/vol CONFIG=$WORK/mine/config.yaml LOG=$WORK/mine/log
STATE_DIRECTORY=$WORK/mine/state
mkdir "$MNT"
truncate -s 1M mine/a mine/b
config_for "$WORK/mine/a" "$WORK/mine/b"
chown -R 65534:65534 mine
defer umount -l "$MNT"
as_nobody "$MIRRORFS" mount "$CONFIG" "$MNT" --log "$LOG"
mounted "$MNT"
# Only root may have the kernel read further ahead.
assert_equal 128 "$(cat "/sys/class/bdi/$(as_nobody mountpoint -d "$MNT")/read_ahead_kb")"
printf 'hello' | as_nobody dd of="$VOL" conv=notrunc,fsync status=none
assert_equal hello "$(as_nobody head -c 5 "$VOL")"
assert_equal AA "$(as_nobody getfattr --absolute-names --only-values -n user.mirrorfs.legs "$VOL")"
assert_equal "65534 65534" "$(as_nobody stat -c '%u %g' "$VOL")" "owner"
as_nobody "$MIRRORFS" umount "$MNT"
wait_until 10 not_mounted "$MNT" || fail "still mounted"
wait_until 10 no_daemon || fail "still running"
assert_same mine/a mine/b
assert_equal hello "$(head -c 5 mine/a)"

chmod 0600 /dev/fuse
assert_fails_with "/dev/fuse" as_nobody "$MIRRORFS" mount "$CONFIG" "$MNT" --log "$LOG"
