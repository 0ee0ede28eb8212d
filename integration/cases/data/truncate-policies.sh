#!/usr/bin/env bash
# F2: truncate: ignore leaves the bytes and says yes; truncate: refuse leaves the bytes and says no.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M x
first=$LEG
file_leg b 1M x
filled_with x $((1 << 20)) >expected

mount_volume truncate=ignore "$first" "$LEG"
: >"$VOL"
truncate -s 4096 "$VOL"
assert_same expected "$VOL"
assert_equal 1048576 "$(stat -c %s "$VOL")" size
assert_fails_with "File too large" truncate -s 2M "$VOL"
unmount
assert_legs_equal expected "$first" "$LEG"

mount_volume truncate=refuse "$first" "$LEG"
assert_fails truncate -s 4096 "$VOL"
assert_fails dd if=/dev/null of="$VOL" status=none
assert_fails cp /etc/hostname "$VOL"
assert_same expected "$VOL"
write_sectors "$VOL" 3 1 y # conv=notrunc still works
assert_equal y "$(sector_byte "$VOL" 3)"
