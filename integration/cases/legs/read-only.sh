#!/usr/bin/env bash
# F5, config read_only: a read-only volume reads, and refuses writes, truncation and holes.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M a
first=$LEG
file_leg b 1M a
mount_volume read_only=true "$first" "$LEG"
assert_equal a "$(sector_byte "$VOL" 5)"
assert_fails_with "Read-only|not permitted|Permission denied" dd if=/dev/zero of="$VOL" count=1 conv=notrunc status=none
assert_fails truncate -s 0 "$VOL"
assert_fails fallocate -p -o 0 -l 4096 "$VOL"
unmount
filled_with a $((1 << 20)) >expected
assert_legs_equal expected a.img b.img
