#!/usr/bin/env bash
# F4, M4: the read-modify-write of a ragged edge takes the sector's other bytes from a leg that has
# them, not from a stale one, and does not declare the rest of a stale range healed.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

leg_with_errors a 1M
first=$LEG
file_leg b 1M
mount_volume "$first" "$LEG"
write_sectors "$VOL" 0 64 o
sync "$VOL"
fail_writes a
write_sectors "$VOL" 10 4 n
mend_writes a
write_sectors a.img 10 4 P
printf 'xyz' | dd of="$VOL" bs=3 seek=$((11 * 512 + 100)) oflag=direct,seek_bytes conv=notrunc,fsync status=none
{ filled_with n 612; printf 'xyz'; filled_with n $((2048 - 615)); } >expected
dd if="$VOL" bs=2048 count=1 skip=$((10 * 512)) iflag=direct,skip_bytes status=none | cmp - expected
assert_equal "10+1 12+2" "$(xattr "$VOL" leg.0.stale)"
sync "$VOL"
dd if=b.img bs=512 skip=10 count=4 status=none | cmp - expected
dd if=a.img bs=512 skip=11 count=1 status=none | cmp - <(bytes_of expected 512 512)
