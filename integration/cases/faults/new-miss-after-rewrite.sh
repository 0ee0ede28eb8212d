#!/usr/bin/env bash
# M4: a range that was rewritten, and missed once more before the flush, stays stale.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M
first=$LEG
leg_with_errors b 1M
mount_volume "$first" "$LEG"
fail_writes b
write_sectors "$VOL" 100 10 a
mend_writes b
write_sectors "$VOL" 100 10 b
fail_writes b
write_sectors "$VOL" 104 2 c
mend_writes b
sync "$VOL"
assert_equal 104+2 "$(xattr "$VOL" leg.1.stale)"
assert_state AD 0x2 degraded
write_sectors "$VOL" 104 2 d
sync "$VOL"
assert_state AA 0x0 in-sync
assert_legs_equal "$VOL" a.img b.img
