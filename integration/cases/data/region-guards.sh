#!/usr/bin/env bash
# E2, F1: a leg is its sectors [start, start + count) and nothing else: what lies before and after
# is never written, by writes, truncation, or zeroing.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 3M x
first=$LEG
file_leg b 2M x
mount_volume "$first,start=1111,count=2048" "$LEG,start=7,count=2048"
assert_equal 1048576 "$(stat -c %s "$VOL")" size
assert_equal "$first 1111+2048" "$(xattr "$VOL" leg.0.region)"
random_file source $((1 << 20))
cp source "$VOL"
assert_same source "$VOL"
: >"$VOL"
dd if=source of="$VOL" bs=1000 conv=notrunc status=none
fallocate -p -o 1000 -l 3000 "$VOL"
sync "$VOL"
assert_legs_equal "$VOL" "$first,start=1111" "$LEG,start=7"
unmount
filled_with x $((3 << 20)) >guard
assert_same guard a.img $((1111 * 512)) 0 0
assert_same guard a.img $(((6144 - 1111 - 2048) * 512)) 0 $(((1111 + 2048) * 512))
assert_same guard b.img $((7 * 512)) 0 0
assert_same guard b.img $(((4096 - 7 - 2048) * 512)) 0 $(((7 + 2048) * 512))
