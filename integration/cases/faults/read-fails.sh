#!/usr/bin/env bash
# M1, M18: a leg whose reads fail: the data comes from the other one; letters RA; one log line; the
# bit is the leg's, not the request's region.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

leg_with_errors a 4M
first=$LEG
file_leg b 4M
mount_volume "$first" "$LEG"
random_file source $((4 << 20))
cp source "$VOL"
fail_reads a
dd if="$VOL" bs=256k iflag=direct status=none | cmp - source
assert_state RA 0x1 degraded
assert_equal read-errors "$(xattr "$VOL" leg.0.state)"
assert_match '^read=[1-9][0-9]* write=0 ' "$(xattr "$VOL" leg.0.errors)"
assert_match '^EIO read ' "$(xattr "$VOL" leg.0.last_error)"
assert_one_log_line leg=0 state=
write_sectors "$VOL" 5 3 w
mend_reads a
sync "$VOL"
assert_same a.img b.img

unmount
rm -r "$STATE_DIRECTORY/volumes"
leg_with_errors c 4M
fail_reads c
mount_volume read_policy=round-robin "$WORK/a.img" "$WORK/b.img" "$LEG"
for sector in {0..11}; do sector_byte "$VOL" $((sector * 8)) >/dev/null; done
assert_state AAR 0x4 degraded
