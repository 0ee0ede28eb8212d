#!/usr/bin/env bash
# M5, M18: out of space on one leg: the write succeeds, letters AN, and only that range is stale.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 4M
first=$LEG
leg_with_errors b 4M ENOSPC
mount_volume "$first" "$LEG"
write_sectors "$VOL" 0 64 o
fail_writes b
write_sectors "$VOL" 500 8 n
assert_state AN 0x2 degraded
assert_equal no-space "$(xattr "$VOL" leg.1.state)"
assert_equal 500+8 "$(xattr "$VOL" leg.1.stale)"
assert_match '^ENOSPC write 500\+8 ' "$(xattr "$VOL" leg.1.last_error)"
assert_one_log_line leg=1 state=no-space errno=ENOSPC
mend_writes b
write_sectors "$VOL" 500 8 m
sync "$VOL"
assert_state AA 0x0 in-sync
assert_same a.img b.img
