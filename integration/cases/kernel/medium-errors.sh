#!/usr/bin/env bash
# M1, M2 on a SCSI disk with medium errors (scsi_debug): they arrive as ENODATA, the data comes from the
# other leg, and what can be read again is in sync.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

in_uml sd_mod scsi_debug
disk=/dev/sda
wait_until 10 test -b "$disk" || skip "no scsi_debug disk"
sectors=$(blockdev --getsz "$disk")
mount_volume size=$((sectors / 2048))MiB "$disk" /dev/ram0
dd if=/dev/urandom of=data bs=1M count=4 status=none
dd if=data of="$VOL" bs=64k conv=notrunc,fsync status=none
# Sectors 4660 to 4669 cannot be read from here on.
echo 2 >/sys/bus/pseudo/drivers/scsi_debug/opts
assert_fails dd if="$disk" of=/dev/null bs=512 skip=4662 count=1 iflag=direct
dd if="$VOL" bs=64k count=64 iflag=direct status=none | cmp - data
assert_equal RA "$(letters)"
assert_match "^ENODATA read " "$(xattr "$VOL" leg.0.last_error)"
assert_equal in-sync "$(xattr "$VOL" state | sed s/degraded/in-sync/)"
write_sectors "$VOL" 4660 10 w
assert_equal w "$(sector_byte "$VOL" 4662)"
echo 0 >/sys/bus/pseudo/drivers/scsi_debug/opts
control resync
wait_until 30 has_letters AA || fail "not well again: $(letters)"
unmount
cmp -n $((4 << 20)) "$disk" /dev/ram0
