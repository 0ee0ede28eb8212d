#!/usr/bin/env bash
# A sparse volume of 8 TiB (or what the file system allows) mounts at once, and costs memory by what is
# dirty in it, not by its size.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

size=16T
truncate -s $size a.img 2>/dev/null || size=8T
for leg in a b; do truncate -s $size $leg.img || skip "no file of 8 TiB on this file system"; done
mount_volume "$WORK/a.img" "$WORK/b.img"
resident() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$(daemons)/status"; }
before=$(resident)
end=$(($(stat -c %s "$VOL") / 512 - 8))
for place in 0 1000000 $end; do
  write_sectors "$VOL" "$place" 8 x
  assert_equal x "$(sector_byte "$VOL" "$place")"
done
sync "$VOL"
grown=$(($(resident) - before))
[ "$before" -lt 150000 ] || fail "idle, and $before KiB resident"
[ "$grown" -lt 20000 ] || fail "three writes took $grown KiB"
for leg in a b; do assert_equal x "$(sector_byte $leg.img $end)"; done
unmount
