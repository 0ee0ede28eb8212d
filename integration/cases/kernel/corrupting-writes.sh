#!/usr/bin/env bash
# M11 on a disk that silently writes something else (dm-flakey, corrupt_bio_byte): a scrub names sectors
# and leg, and repairs from the leg that is named as right. md counts differences, and may keep the wrong side.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

in_uml dm-flakey
dm c0 "0 65536 linear /dev/ram0 0"
dm c1 "0 65536 linear /dev/ram1 0"
mount_volume /dev/mapper/c0 /dev/mapper/c1
write_sectors "$VOL" 0 2048 o
sync "$VOL"
"$MIRRORFS" scrub "$VOL" --wait
dm c1 "0 65536 flakey /dev/ram1 0 0 60 5 corrupt_bio_byte 5 w 88 0"
write_sectors "$VOL" 100 8 n
dm c1 "0 65536 linear /dev/ram1 0"
assert_equal AA "$(letters)" "nobody noticed"
assert_fails "$MIRRORFS" scrub "$VOL" --wait
assert_match "^100\+[18] legs=0x3" "$(xattr "$VOL" mismatches)"
"$MIRRORFS" scrub "$VOL" --repair --source 0 --wait
"$MIRRORFS" scrub "$VOL" --wait
assert_equal none "$(xattr "$VOL" mismatches)"
assert_equal n "$(sector_byte "$VOL" 100)"
unmount
cmp /dev/ram0 /dev/ram1
