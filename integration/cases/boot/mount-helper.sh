#!/usr/bin/env bash
# Interface: mount(8) works by way of links to the program: by type and by fstab, with options of ours
# and theirs; umount(8) ends the daemon cleanly.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_root
need unshare mount findmnt
if [ -z "${IN_NAMESPACE:-}" ]; then
  mkdir links mnt
  for type in mirrorfs fuse.mirrorfs; do ln -s "$MIRRORFS" "links/mount.$type"; done
  # The links appear in /usr/sbin for this case alone.
  unshare -m mount -t overlay overlay -o "lowerdir=$WORK/links:/usr/sbin" /usr/sbin 2>/dev/null ||
    skip "needs an own mount namespace and overlay"
  file_leg a 2M
  file_leg b 2M
  config_for allow_other=true "$WORK/a.img" "$WORK/b.img"
  IN_NAMESPACE=1 unshare -m --propagation private bash "$(realpath "$0")"
  exit
fi

mount -t overlay overlay -o "lowerdir=$WORK/links:/usr/sbin" /usr/sbin
cat >fstab <<FSTAB
$CONFIG $MNT fuse.mirrorfs nofail,_netdev,noauto,x-systemd.requires=network.target,nosuid,log=$LOG,threads=8 0 0
FSTAB
try() { # try MOUNT_ARGUMENT...: mounted, used, unmounted: all at once
  mount "$@" || fail "mount $*"
  assert_equal "fuse.mirrorfs $CONFIG" "$(findmnt -n -o FSTYPE,SOURCE "$MNT" | tr -s ' ')" "$*"
  assert_state AA 0x0 in-sync
  daemon=$(xattr "$MNT" pid)
  write_sectors "$VOL" 8 8 x
  umount "$MNT"
  not_mounted "$MNT" || fail "still mounted"
  wait_until 10 gone "$daemon" || fail "the daemon is still there"
  grep -q ' unmounted mount_point=' "$LOG" || fail "not a clean end"
}
try -t fuse.mirrorfs "$CONFIG" "$MNT" -o "log=$LOG"
try -t mirrorfs "$CONFIG" "$MNT" -o "log=$LOG,noatime,engine=threads,transport=dev"
grep -q ' engine=threads transport=dev' "$LOG" || fail "engine= among the options is not heard"
try -T fstab "$MNT"
assert_match nosuid "$(mount -T fstab "$MNT" && findmnt -n -o OPTIONS "$MNT")"
umount -l "$MNT"
wait_until 10 no_daemon || fail "still running after umount -l"
# What is wrong is said, and mount(8) fails with it.
assert_fails_with "unknown mount option: sparkling" mount -t mirrorfs "$CONFIG" "$MNT" -o sparkling
assert_fails_with "nowhere.yaml" mount -t mirrorfs "$WORK/nowhere.yaml" "$MNT"
mount -f -t mirrorfs "$CONFIG" "$MNT"
not_mounted "$MNT" || fail "a fake mount has mounted"
links/mount.mirrorfs -s "$CONFIG" "$MNT" -o "sparkling,log=$LOG"
umount "$MNT"
