#!/usr/bin/env bash
# M3, M5, M18: a leg whose writes fail: the write succeeds, error_bits is 0x2, the letters are AD,
# the log has exactly one line at the change, and the file reads back right.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 16M
first=$LEG
leg_with_errors b 16M
mount_volume "$first" "$LEG"
random_file source $((16 << 20))
cp source "$VOL"
sync "$VOL"
assert_state AA 0x0 in-sync
assert_legs_equal source a.img b.img

fail_writes b
random_file source $((4 << 20))
dd if=source of="$VOL" bs=1M seek=3 conv=notrunc,fsync status=none
for sector in 1 50 700; do write_sectors "$VOL" "$sector" 1 z; done
assert_state AD 0x2 degraded
assert_equal 0x2 "$(xattr "$VOL" error_bits_seen)"
assert_equal 0x2 "$(xattr "$VOL" error_bits_last)"
assert_equal alive "$(xattr "$VOL" leg.0.state)"
assert_equal write-failed "$(xattr "$VOL" leg.1.state)"
assert_match '^read=0 write=[1-9][0-9]* flush=[0-9]+ corrected=0$' "$(xattr "$VOL" leg.1.errors)"
assert_match '^EIO write [0-9]+\+[0-9]+ 20[0-9-]+T[0-9:.]+Z$' "$(xattr "$VOL" leg.1.last_error)"
assert_match '(^| )1\+1( |$)' "$(xattr "$VOL" leg.1.stale)"
assert_equal "" "$(xattr "$VOL" leg.0.stale)"
assert_one_log_line leg=1 state=
assert_one_log_line leg=1 state=write-failed error_bits=0x2 legs=AD volume=vol errno=EIO
dd if="$VOL" bs=1M skip=3 count=4 iflag=direct status=none | cmp - source
assert_equal z "$(sector_byte "$VOL" 700)"
