#!/usr/bin/env bash
# M4, M10, M20 on a real disk that goes and comes back (dm-error): writers go on, nothing stale is read,
# and the leg is resynced by itself. With dm-mirror the writer hangs, or reads are EIO.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

in_uml
dm e0 "0 65536 linear /dev/ram0 0"
mount_volume read_policy=primary /dev/mapper/e0 /dev/ram1
write_sectors "$VOL" 0 4096 o
dm e0 "0 65536 error"
write_sectors "$VOL" 1000 16 n
write_sectors "$VOL" 3000 16 n
assert_equal DA "$(letters)"
assert_equal "1000+16 3000+16" "$(xattr "$VOL" leg.0.stale)"
assert_equal n "$(sector_byte "$VOL" 1000)"
crash
dm e0 "0 65536 linear /dev/ram0 0"
mount_config
assert_equal n "$(sector_byte "$VOL" 1000)" "after kill -9"
wait_until 20 has_letters AA || fail "not resynced: $(letters) $(xattr "$VOL" progress)"
assert_equal n "$(sector_byte "$VOL" 3000)"
unmount
cmp /dev/ram0 /dev/ram1
