#!/usr/bin/env bash
# M8: fsync succeeds when at least one in-sync leg flushed: when none did, it fails.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

scripted_leg a 1M
first=$LEG
scripted_leg b 1M
mount_volume "$first" "$LEG"
write_sectors "$VOL" 0 8 o
add_fault a flush EIO
add_fault b flush EIO
assert_fails_with "Input/output error" sync "$VOL"
mend a
mend b
write_sectors "$VOL" 0 8 p
sync "$VOL"
assert_equal p "$(sector_byte "$VOL" 3)"
assert_state AA 0x0 in-sync
assert_same a.img b.img
