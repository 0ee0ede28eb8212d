#!/usr/bin/env bash
# M13: with `on_no_space: error` the writer is told that a leg is full; the leg is stale there all the
# same, and what the others hold is read.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 4M
first=$LEG
leg_with_errors b 4M ENOSPC
mount_volume on_no_space=error "$first" "$LEG"
write_sectors "$VOL" 0 100 a
fail_writes b
assert_fails_with "No space left" write_sectors "$VOL" 10 10 b
assert_state AN 0x2 degraded
assert_equal 10+10 "$(xattr "$VOL" leg.1.stale)"
assert_equal b "$(sector_byte "$VOL" 10)"
mend_writes b
wait_until 20 has_letters AA
unmount
assert_same a.img b.img
