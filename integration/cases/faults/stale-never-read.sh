#!/usr/bin/env bash
# M4: a leg that missed a write is never read there again, even after it has recovered, with any
# read policy; elsewhere it still serves. The missed range is poisoned behind the mirror's back.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

for policy in primary round-robin least-pending; do
  leg_with_errors "a.$policy" 1M
  first=$LEG
  file_leg "b.$policy" 1M
  mount_volume read_policy=$policy "$first" "$LEG"
  write_sectors "$VOL" 0 2048 o
  sync "$VOL"
  fail_writes "a.$policy"
  write_sectors "$VOL" 1000 16 n
  # Else the leg is resynced by itself, and there is nothing to see.
  setfattr -n user.mirrorfs.control -v pause "$VOL"
  mend_writes "a.$policy"
  write_sectors "$WORK/a.$policy.img" 1000 16 P # poison
  for round in {1..20}; do
    for sector in 999 1000 1007 1015 1016; do
      case $sector in 999 | 1016) expected=o ;; *) expected=n ;; esac
      assert_equal $expected "$(sector_byte "$VOL" $sector)" "$policy, round $round, sector $sector"
    done
  done
  # One read across the edges of the stale range, and a buffered one.
  { filled_with o 51200; filled_with n 8192; filled_with o 51200; } >expected
  dd if="$VOL" bs=110592 skip=460800 count=1 iflag=direct,skip_bytes status=none | cmp - expected
  dd if="$VOL" bs=110592 skip=460800 count=1 iflag=skip_bytes status=none | cmp - expected
  assert_equal 1000+16 "$(xattr "$VOL" leg.0.stale)"
  # Sectors that the leg did not miss may come from it: primary must go on reading it there.
  write_sectors "$WORK/a.$policy.img" 300 1 L
  [ $policy != primary ] || assert_equal L "$(sector_byte "$VOL" 300)" "leg 0 still serves"
  unmount
done
