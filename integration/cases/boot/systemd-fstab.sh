#!/usr/bin/env bash
# Lines of fstab in a real systemd: its generator makes mount units of them, which mount by our helper,
# wait for what they have to, and unmount cleanly; with nofail a mount that fails stops nothing.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

in_systemd
MNT=/srv/disks CONFIG=/etc/mirrorfs/disks.yaml STATE_DIRECTORY=/var/lib/mirrorfs
VOL=$MNT/vol
property() { systemctl show -P "$1" "$2"; }

mkdir -p /etc/mirrorfs "$STATE_DIRECTORY" /srv/disks /srv/nofail /srv/needed
config_for /dev/ram0 /dev/ram1
cat >/etc/fstab <<FSTAB
$CONFIG /srv/disks fuse.mirrorfs nofail,_netdev,x-systemd.requires-mounts-for=/var/lib/mirrorfs,threads=8,log=$WORK/disks.log 0 0
/etc/mirrorfs/gone.yaml /srv/nofail fuse.mirrorfs nofail,_netdev 0 0
FSTAB
systemctl daemon-reload
unit=srv-disks.mount
# A mount on the network comes after the network, and before nothing that boots.
for word in network-online.target remote-fs-pre.target; do
  assert_match "$word" "$(property After $unit)"
done
assert_match /var/lib/mirrorfs "$(property RequiresMountsFor $unit)"
systemctl start remote-fs.target || fail "a mount with nofail stops the boot"
assert_match remote-fs.target "$(property WantedBy $unit)"
assert_equal "" "$(property RequiredBy $unit)"
is_active() { [ "$(property ActiveState $unit)" = active ]; }
# nofail: the target does not wait for it.
wait_until 30 is_active || fail "not mounted: $(systemctl status $unit)"
mounted "$MNT" || fail "not mounted"
assert_equal failed "$(property ActiveState srv-nofail.mount)"
assert_state AA 0x0 in-sync
daemon=$(xattr "$MNT" pid)
write_sectors "$VOL" 8 8 x
systemctl stop "$unit"
not_mounted "$MNT" || fail "still mounted"
wait_until 20 gone "$daemon" || fail "the daemon is still there"
assert_match 'unmounted mount_point' "$(cat disks.log)"
cmp /dev/ram0 /dev/ram1
systemctl start "$unit"
assert_state AA 0x0 in-sync
assert_equal x "$(sector_byte "$VOL" 8)"
# A daemon that dies takes the unit with it once the mount is gone, and it can be mounted again.
daemon=$(xattr "$MNT" pid)
kill -KILL "$daemon"
wait_until 20 gone "$daemon" || fail "killed, and still there"
systemctl restart "$unit" || fail "not mounted again: $(systemctl status $unit)"
assert_state AA 0x0 in-sync
systemctl stop "$unit"
# Without nofail the target fails with the mount.
sed -i 's/nofail,_netdev 0/_netdev 0/' /etc/fstab
systemctl daemon-reload
systemctl stop remote-fs.target
assert_fails systemctl start remote-fs.target
