#!/usr/bin/env bash
# M4, M5, M8: dm-flakey with failing writes on one leg, then on both: one is stale and resynced, both
# are EIO to the writer, and the volume recovers.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

in_uml dm-flakey
dm f0 "0 65536 linear /dev/ram0 0"
dm f1 "0 65536 linear /dev/ram1 0"
mount_volume /dev/mapper/f0 /dev/mapper/f1
write_sectors "$VOL" 0 4096 o
dm f0 "0 65536 flakey /dev/ram0 0 0 60 1 error_writes"
write_sectors "$VOL" 100 8 n
assert_equal DA "$(letters)"
dm f1 "0 65536 flakey /dev/ram1 0 0 60 1 error_writes"
assert_fails_with "Input/output error" write_sectors "$VOL" 100 8 x
assert_equal failed "$(state)"
dm f0 "0 65536 linear /dev/ram0 0"
dm f1 "0 65536 linear /dev/ram1 0"
write_sectors "$VOL" 100 8 y
sync "$VOL"
control resync
wait_until 20 has_letters AA || fail "not resynced: $(letters)"
assert_equal y "$(sector_byte "$VOL" 100)"
unmount
cmp /dev/ram0 /dev/ram1
