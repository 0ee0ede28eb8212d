#!/usr/bin/env bash
# M1, M5: every leg failing is EIO; the mount lives on, tells that the volume failed, and works
# again when the legs recover.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

leg_with_errors a 4M
first=$LEG
leg_with_errors b 4M
mount_volume "$first" "$LEG"
random_file source $((4 << 20))
cp source "$VOL"
sync "$VOL"
for leg in a b; do
  fail_reads $leg
  fail_writes $leg
done
assert_fails_with "Input/output error" write_sectors "$VOL" 100 8 x
assert_fails_with "Input/output error" sector_byte "$VOL" 3000
assert_equal failed "$(state)"
assert_equal 0x3 "$(error_bits)"
assert_equal failed "$(xattr "$MNT" state)" "of the mount point"
ls -l "$MNT" >/dev/null
assert_equal $((4 << 20)) "$(stat -c %s "$VOL")" size

for leg in a b; do
  mend_reads $leg
  mend_writes $leg
done
dd if="$VOL" bs=512 skip=3000 iflag=direct status=none | cmp - <(tail -c +1536001 source)
cp source "$VOL"
sync "$VOL"
assert_same source "$VOL"
dd if="$VOL" bs=1M iflag=direct status=none | cmp - source
assert_legs_equal source a.img b.img
control clear-errors
assert_state AA 0x0 in-sync
