#!/usr/bin/env bash
# Interface, log: one line at a change, never a line for each failed request.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M
first=$LEG
leg_with_errors b 1M
mount_volume "$first" "$LEG"
fail_writes b
dd if=/dev/zero of="$VOL" bs=512 count=2000 oflag=direct conv=notrunc status=none
assert_one_log_line leg=1 state=
assert_at_least 2000 "$(xattr "$VOL" leg.1.errors | sed 's/.*write=\([0-9]*\).*/\1/')" "counted"
[ "$(wc -l <"$LOG")" -lt 20 ] || fail "a storm of log lines: $(wc -l <"$LOG")"
mend_writes b
dd if=/dev/zero of="$VOL" bs=1M count=1 conv=notrunc,fsync status=none
assert_state AA 0x0 in-sync
fail_writes b
write_sectors "$VOL" 5 1 x
assert_equal 2 "$(log_lines leg=1 state=write-failed)" "a new change is a new line"
