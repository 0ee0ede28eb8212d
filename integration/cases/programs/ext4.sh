#!/usr/bin/env bash
# Acceptance: mkfs.ext4 and a loop mount on a volume, files copied in, e2fsck -fn clean; legs equal,
# and each leg alone is a clean file system.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_loop
need mkfs.ext4 e2fsck
file_leg a 64M
first=$LEG
loop_leg b 70M
mount_volume "$first" "$LEG,start=2048,count=131072"
mkfs.ext4 -q -F "$VOL"
mkdir fs
defer umount "$WORK/fs"
mount -o loop "$VOL" fs
cp -r /usr/share/perl5 fs/ 2>/dev/null || cp -r /etc fs/
random_file fs/random $((8 << 20))
sha256sum fs/random >sum
umount fs
e2fsck -fn "$VOL" >/dev/null
mount -o loop "$VOL" fs
sha256sum -c --quiet sum
umount fs
sync "$VOL"
assert_state AA 0x0 in-sync
assert_legs_equal "$VOL" a.img "$LEG,start=2048"
unmount
e2fsck -fn a.img >/dev/null
