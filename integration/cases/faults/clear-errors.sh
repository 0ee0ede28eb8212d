#!/usr/bin/env bash
# Interface: error_bits is now, error_bits_seen is the union until cleared; clear-errors forgets
# what is over and keeps what still is; it needs write permission.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_root
need setpriv
leg_with_errors a 1M
first=$LEG
leg_with_errors b 1M
mount_volume allow_other=true mode='"0644"' "$first" "$LEG"
fail_reads a
sector_byte "$VOL" 0 >/dev/null
mend_reads a
fail_writes b
write_sectors "$VOL" 8 8 x
mend_writes b
assert_equal 0x3 "$(xattr "$VOL" error_bits_seen)"
assert_fails_with "Permission denied" as_nobody setfattr -n user.mirrorfs.control -v clear-errors "$VOL"
assert_equal 0x3 "$(xattr "$VOL" error_bits_seen)"
control clear-errors
assert_equal 8+8 "$(xattr "$VOL" leg.1.stale)" "clearing does not forget staleness"
assert_equal A "$(letters | cut -c 1)" "the read errors are over"
assert_equal 0x2 "$(error_bits)"
assert_equal 0x2 "$(xattr "$VOL" error_bits_seen)" "still failing, so still seen"
write_sectors "$VOL" 8 8 y
sync "$VOL"
control clear-errors
assert_state AA 0x0 in-sync
assert_equal 0x0 "$(xattr "$VOL" error_bits_seen)"
assert_equal "read=0 write=0 flush=0 corrected=0" "$(xattr "$VOL" leg.0.errors)"
