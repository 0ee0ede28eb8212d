#!/usr/bin/env bash
# M8, M19, M20: the disk below a file leg's ext4 fails, and the file system turns read-only; the leg is stale
# from there, and used again when the file system is mounted anew: its file is opened again by its path.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

in_uml ext4 dm-flakey
need mkfs.ext4
dm e1 "0 65536 linear /dev/ram1 0"
mkfs.ext4 -q -F /dev/mapper/e1 || skip "no ext4 can be made"
mkdir disk
mount -t ext4 /dev/mapper/e1 disk || skip "no ext4 in this kernel"
defer umount -l "$WORK/disk"
truncate -s 8M disk/leg
mount_volume size=8MiB /dev/ram0 "$WORK/disk/leg"
write_sectors "$VOL" 0 2048 o
sync "$VOL"
dm e1 "0 65536 error"
write_sectors "$VOL" 100 8 n
sync "$VOL"
assert_equal n "$(sector_byte "$VOL" 100)"
[ "$(letters)" != AA ] || fail "nobody noticed"
assert_equal A "$(letters | cut -c1)"
# The disk is back, the file system is mounted anew.
umount -l disk
dm e1 "0 65536 linear /dev/ram1 0"
mount -t ext4 /dev/mapper/e1 disk || { sleep 2; mount -t ext4 /dev/mapper/e1 disk; }
control resync
wait_until 40 has_letters AA || fail "not back: $(letters)"
unmount
cmp -n $((8 << 20)) /dev/ram0 disk/leg
