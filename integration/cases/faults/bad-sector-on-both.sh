#!/usr/bin/env bash
# M1: where every leg is bad the read is EIO, there and only there.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

for leg in a b; do
  scripted_leg "$leg" 1M
  add_fault "$leg" read EIO 1000 1
done
mount_volume "$WORK/a.nbd/disk" "$WORK/b.nbd/disk"
assert_fails_with "Input/output error" sector_byte "$VOL" 1000
assert_equal 0 "$(sector_byte "$VOL" 999)"
assert_equal 0 "$(sector_byte "$VOL" 1001)"
assert_fails_with "Input/output error" cat "$VOL"
mend a
assert_equal 0 "$(sector_byte "$VOL" 1000)"
dd if="$VOL" bs=1M iflag=direct status=none | cmp - a.img
