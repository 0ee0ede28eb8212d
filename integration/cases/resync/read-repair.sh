#!/usr/bin/env bash
# M2: what one leg could not read is read from another, and written back when the leg works again.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

leg_with_errors a 1M
bad=$LEG
file_leg b 1M
mount_volume read_policy=primary "$bad" "$LEG"
write_sectors "$VOL" 0 2048 d
fail_reads a
assert_equal d "$(sector_byte "$VOL" 1000)"
assert_equal RA "$(letters)"
write_sectors a.img 1000 8 X # what a bad sector reads as when it is written anew is anybody's guess
mend_reads a
wait_until 20 has_letters AA || fail "not repaired: $(letters) $(xattr "$VOL" leg.0.last_error)"
unmount
