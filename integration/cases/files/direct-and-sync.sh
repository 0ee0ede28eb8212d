#!/usr/bin/env bash
# F5: O_DIRECT, O_SYNC and O_DSYNC reads and writes, concurrent direct writes, and the page cache
# and direct I/O see each other's bytes.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 4M
first=$LEG
file_leg b 4M
mount_volume "$first" "$LEG"
random_file source $((4 << 20))
for flag in direct sync dsync direct,sync; do
  dd if=source of="$VOL" bs=96k oflag=$flag conv=notrunc status=none
  assert_same source "$VOL"
  dd if="$VOL" bs=96k iflag=direct status=none | cmp - source
  random_file source $((4 << 20))
done
# What the page cache holds is replaced by a direct write, and a direct read sees buffered writes.
cat "$VOL" >/dev/null
write_sectors "$VOL" 700 3 d
assert_equal d "$(bytes_of "$VOL" $((701 * 512)) 1)"
filled_with e 1000 | dd of="$VOL" bs=1000 seek=$((700 * 512)) oflag=seek_bytes conv=notrunc status=none
assert_equal e "$(sector_byte "$VOL" 701)"
# Direct writers in parallel, each its own quarter.
for quarter in 0 1 2 3; do
  dd if=source of="$VOL" bs=4k skip=$((quarter * 256)) seek=$((quarter * 256)) count=256 oflag=direct conv=notrunc status=none &
done
wait
assert_same source "$VOL"
unmount
assert_legs_equal source a.img b.img
