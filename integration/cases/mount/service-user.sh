#!/usr/bin/env bash
# Interface: `user: NAME`: started by root, the daemon is that user's, with no capability left, and
# everything goes on with that user's rights: legs that fail and come back, a new config, the unmount.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_root
need setpriv fusermount3 python3
as_nobody "$MIRRORFS" --help >/dev/null 2>&1 || skip "user nobody cannot run $MIRRORFS"
m=$MIRRORFS
mode=$(stat -c %a /dev/fuse)
defer chmod "$mode" /dev/fuse
chmod 0600 /dev/fuse # root opens it
mkdir mine theirs
MNT=$WORK/theirs/mnt VOL=$WORK/theirs/mnt/vol CONFIG=$WORK/theirs/config.yaml LOG=$WORK/theirs/log
STATE_DIRECTORY=$WORK/mine/state
truncate -s 1M mine/a mine/b mine/c theirs/root.img
chmod 0600 mine/* theirs/root.img
config_for "$WORK/mine/a" "$WORK/mine/b"
sed -i '1a user: nobody\non_change: hook\nevent_log: ../mine/events' "$CONFIG"
cat >theirs/hook <<HOOK
#!/bin/sh
echo "\$(id -u) \$USER" >>$WORK/mine/hooked
HOOK
chmod +x theirs/hook
chown -R 65534:65534 mine

# What that user may not do is said before anything is touched, with its place.
chown 0 mine/b
assert_fails_with "config.yaml:[0-9]+:15: error: .*mine/b.* cannot be read by user 'nobody'" "$m" check "$CONFIG"
assert_fails_with "mine/b.* cannot be read by user 'nobody'" "$m" mount "$CONFIG" "$WORK/mine"
[ ! -e mine/state ] || fail "refused, and yet the state directory was made"
chown 65534 mine/b
chmod 0700 mine/a theirs/hook
assert_fails_with "config.yaml:3:12: error: .*hook.* is no program that can be run by user 'nobody'" "$m" check "$CONFIG"
chmod 0755 theirs/hook
chmod 0600 mine/a
sed -i 's|^state_directory:.*|state_directory: ../theirs/state|' "$CONFIG"
assert_fails_with "theirs.* cannot be written by user 'nobody'" "$m" check "$CONFIG"
sed -i "s|^state_directory:.*|state_directory: $STATE_DIRECTORY|" "$CONFIG"
chmod 0600 "$CONFIG"
assert_fails_with "this config cannot be read by user 'nobody'.*SIGHUP" "$m" check "$CONFIG"
chmod 0644 "$CONFIG"
"$m" check "$CONFIG" >/dev/null
sed 's/user: nobody/user: no-such-user/' "$CONFIG" >theirs/wrong.yaml
assert_fails_with "wrong.yaml:2:7: error: there is no user 'no-such-user'" "$m" check theirs/wrong.yaml
sed 's/user: nobody/user: daemon/' "$CONFIG" >theirs/wrong.yaml
assert_fails_with "wrong.yaml:2:7: error: only root can make the mount run as 'daemon'" \
  as_nobody "$m" check theirs/wrong.yaml
mkdir mnt
assert_fails_with "NoNewPrivileges" setpriv --no-new-privs "$m" mount "$CONFIG" "$WORK/mnt"
# A right that comes from a group: as `disk` gives it to devices.
group=$(id -G nobody)
chown 0:"${group%% *}" mine/b
chmod 0660 mine/b
"$m" check "$CONFIG" >/dev/null
chown 65534 mine/b

mount_config
# Only root may have the kernel read further ahead.
assert_equal 128 "$(cat "/sys/class/bdi/$(mountpoint -d "$MNT")/read_ahead_kb")"
daemon=$(xattr "$MNT" pid)
assert_equal $'Uid:\t65534\t65534\t65534\t65534' "$(grep ^Uid: "/proc/$daemon/status")"
assert_equal "Gid: 65534 65534 65534 65534" "$(grep ^Gid: "/proc/$daemon/status" | tr -s '\t' ' ')"
for set in CapInh CapPrm CapEff CapAmb; do
  assert_equal "$set: 0000000000000000" "$(grep "^$set:" "/proc/$daemon/status" | tr -s '\t' ' ')"
done
# Each thread, and no other group than that user's.
for thread in /proc/"$daemon"/task/*; do
  assert_equal "$(grep -E '^(Uid|Gid|CapPrm|CapEff):' "/proc/$daemon/status")" \
    "$(grep -E '^(Uid|Gid|CapPrm|CapEff):' "$thread/status")" "$thread"
done
assert_equal "$(id -G nobody)" "$(sed -n 's/^Groups:\t*//p' "/proc/$daemon/status" | xargs)" "groups"
assert_equal 65534 "$(stat -c %u "/proc/$daemon")" "owner of its /proc"

# The files are that user's; root may look as well, and nobody else: there is no allow_other.
assert_equal "65534 65534" "$(stat -c '%u %g' "$VOL")" "owner"
as_nobody dd if=/dev/zero of="$VOL" bs=4K count=1 conv=notrunc,fsync status=none
assert_state AA 0x0 in-sync
assert_fails_with "Permission denied" setpriv --reuid=1 --regid=1 --clear-groups stat "$VOL"
assert_equal "all volumes are in sync" "$("$m" status -x "$MNT")"

# A leg fails, is opened anew with that user's rights, and comes back; another takes its place.
"$m" fault "$VOL" 1 eio
write_sectors "$VOL" 16 8 x
assert_state AD 0x2 degraded
"$m" fault "$VOL" 1 off
"$m" resync "$VOL" --wait
assert_state AA 0x0 in-sync
"$m" fail "$VOL" 1
write_sectors "$VOL" 24 8 y
"$m" restore "$VOL" 1 --wait
assert_state AA 0x0 in-sync
assert_fails_with "root.img: the daemon may not open it: it runs as user nobody" "$m" replace "$VOL" 1 "$WORK/theirs/root.img"
"$m" replace "$VOL" 1 "$WORK/mine/c" --wait --write-config "$CONFIG"
assert_state AA 0x0 in-sync
sed -i 's/initial_sync: .*/mode: "0600"/' "$CONFIG"
kill -HUP "$daemon"
wait_until 5 grep -q 'reload=done' "$LOG" || fail "no reload: $(cat "$LOG")"
assert_equal 600 "$(stat -c %a "$VOL")"
sed -i 's/^user: nobody/user: daemon/' "$CONFIG"
kill -HUP "$daemon"
wait_until 5 grep -q 'reload=refused' "$LOG" || fail "another user is no problem: $(cat "$LOG")"
sed -i 's/^user: daemon/user: nobody/' "$CONFIG"
wait_until 5 grep -q '65534 nobody' mine/hooked || fail "the program of on_change: $(cat mine/hooked)"
assert_equal 65534 "$(stat -c %u mine/events)" "owner of the event log"
assert_equal "" "$(find mine -not -user 65534)" "root's in the user's folder"

# Unmounted by signal, by root and by the user.
kill -TERM "$daemon"
wait_until 10 not_mounted "$MNT" || fail "still mounted after SIGTERM: $(cat "$LOG")"
wait_until 10 no_daemon || fail "still running"
grep -q ' unmounted mount_point=' "$LOG" || fail "not a clean end"
cmp mine/a mine/c
assert_equal y "$(sector_byte mine/c 24)"
mount_config
unmount
mount_config
as_nobody "$m" umount "$MNT"
wait_until 10 no_daemon || fail "still running"
not_mounted "$MNT" || fail "still mounted"

# With allow_other everybody may look; what an earlier mount of root's has left is in the way.
chown 0 mine/state/volumes/vol/*
assert_fails_with "of an earlier mount cannot be written by user 'nobody'.*chown -R" "$m" check "$CONFIG"
chown 65534 mine/state/volumes/vol/*
sed -i 's/mode: "0600"/mode: "0644"/; 1a allow_other: true' "$CONFIG"
mount_config
assert_equal "644" "$(setpriv --reuid=1 --regid=1 --clear-groups stat -c %a "$VOL")"
unmount
