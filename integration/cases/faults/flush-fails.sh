#!/usr/bin/env bash
# M8, M18: a leg whose flush fails: fsync succeeds, letter F, and the leg is stale in what was
# written since its last good flush, and only there; it heals by rewriting and a good flush.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

scripted_leg a 1M
first=$LEG
file_leg b 1M
mount_volume "$first" "$LEG"
write_sectors "$VOL" 0 64 o
sync "$VOL"
assert_state AA 0x0 in-sync
write_sectors "$VOL" 100 16 n
write_sectors "$VOL" 300 4 n
add_fault a flush EIO
sync "$VOL"
assert_state FA 0x1 degraded
assert_equal flush-failed "$(xattr "$VOL" leg.0.state)"
assert_match 'flush=[1-9]' "$(xattr "$VOL" leg.0.errors)"
assert_equal "100+16 300+4" "$(xattr "$VOL" leg.0.stale)"
assert_one_log_line leg=0 state=
mend a
write_sectors a.img 100 16 P
for sector in 100 115 302; do assert_equal n "$(sector_byte "$VOL" $sector)"; done
write_sectors a.img 40 1 L
assert_equal L "$(sector_byte "$VOL" 40)" "flushed earlier, so still read from leg 0"
write_sectors a.img 40 1 o
write_sectors "$VOL" 100 16 m
write_sectors "$VOL" 300 4 m
sync "$VOL"
assert_state AA 0x0 in-sync
assert_same a.img b.img
