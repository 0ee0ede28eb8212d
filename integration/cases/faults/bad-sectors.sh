#!/usr/bin/env bash
# M1: sector 1000 unreadable on leg 0 and 2000 on leg 1: reads of 1000, 2000 and 3000 succeed, and
# so do one large direct read and one buffered read across both.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

for policy in primary round-robin least-pending; do
  for leg in a b; do
    scripted_leg "$leg.$policy" 2M
    [ -s source ] || random_file source $((2 << 20))
    cp source "$leg.$policy.img"
  done
  add_fault "a.$policy" read EIO 1000 1
  add_fault "b.$policy" read EIO 2000 1
  mount_volume read_policy=$policy "$WORK/a.$policy.nbd/disk" "$WORK/b.$policy.nbd/disk"
  for sector in 1000 2000 3000 1000 2000; do
    dd if="$VOL" bs=512 skip="$sector" count=1 iflag=direct status=none |
      cmp - <(dd if=source bs=512 skip="$sector" count=1 status=none)
  done
  dd if="$VOL" bs=2M count=1 iflag=direct status=none | cmp - source
  dd if="$VOL" bs=1M count=1 skip=409600 iflag=direct,skip_bytes status=none |
    cmp -n 1048576 -i 0:409600 - source
  cmp "$VOL" source
  assert_match '^[RA][RA]$' "$(letters)"
  unmount
done
