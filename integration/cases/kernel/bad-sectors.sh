#!/usr/bin/env bash
# M1, M2 on real bad sectors (dm-dust): sector 1000 bad on leg 0, 2000 on leg 1: both and 3000 are read,
# and both are repaired. The kernel's dm-mirror gives EIO for the last two.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

in_uml dm-bufio dm-dust
dm d0 "0 65536 dust /dev/ram0 0 512"
dm d1 "0 65536 dust /dev/ram1 0 512"
mount_volume /dev/mapper/d0 /dev/mapper/d1
dd if=/dev/urandom of=data bs=1M count=2 status=none
dd if=data of="$VOL" bs=64k conv=notrunc,fsync status=none
dmsetup message d0 0 addbadblock 1000
dmsetup message d1 0 addbadblock 2000
dmsetup message d0 0 enable
dmsetup message d1 0 enable
control pause
dd if="$VOL" bs=64k count=32 iflag=direct status=none | cmp - data
assert_equal R "$(letters | cut -c1)"
for sector in 1000 2000 3000; do
  dd if="$VOL" bs=512 skip=$sector count=1 iflag=direct status=none |
    cmp - <(dd if=data bs=512 skip=$sector count=1 status=none)
done
control resume
wait_until 20 has_letters AA || fail "not repaired: $(letters)"
assert_match corrected=1 "$(xattr "$VOL" leg.0.errors)"
unmount
cmp /dev/ram0 /dev/ram1
cmp -n 2097152 /dev/mapper/d0 data
