#!/usr/bin/env bash
# M4, M10, M20 on a SCSI disk that goes offline and comes back (scsi_debug): writes go on, and it is resynced.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

in_uml sd_mod scsi_debug
disk=/dev/sda
wait_until 10 test -b "$disk" || skip "no scsi_debug disk"
mount_volume size=8MiB /dev/ram0 "$disk"
write_sectors "$VOL" 0 2048 o
echo offline >/sys/block/sda/device/state
write_sectors "$VOL" 100 8 n
sync "$VOL"
assert_equal AD "$(letters | tr F D)"
assert_equal n "$(sector_byte "$VOL" 100)"
assert_equal 0x2 "$(error_bits)"
# A mount says what is wrong, and touches nothing.
unmount
assert_fails "$MIRRORFS" mount "$CONFIG" "$MNT" --log "$LOG"
assert_match "/dev/sda" "$SAID"
echo running >/sys/block/sda/device/state
mount_config
wait_until 30 has_letters AA || fail "not back: $(letters)"
assert_equal n "$(sector_byte "$VOL" 100)"
unmount
cmp -n $((8 << 20)) /dev/ram0 "$disk"
