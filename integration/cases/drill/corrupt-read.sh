#!/usr/bin/env bash
# Interface: a rehearsed corrupt-read is seen by scrub and in the leg's view, and spoils nothing: what
# is read to be written again is right, and the kernel keeps no wrong page.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

m=$MIRRORFS
file_leg a 2M
random_file a.img $((2 << 20))
cp a.img b.img
cp a.img true
mount_volume "$WORK/a.img" "$WORK/b.img"
"$m" fault "$VOL" 0 corrupt-read --wrong-data --for 1h
assert_fails cmp -s "$VOL" true
assert_fails cmp -s "$MNT/.mirrorfs/legs/vol.0" true
cmp "$MNT/.mirrorfs/legs/vol.1" true
assert_fails "$m" scrub "$VOL" --range 8+1 --wait
assert_match '^8\+1 legs=' "$SAID"

# Ragged writes read their edges: those must be right. So must what is copied to another leg.
printf middle | dd of="$VOL" bs=1 seek=5000 conv=notrunc oflag=direct status=none
printf middle | dd of=true bs=1 seek=5000 conv=notrunc status=none
"$m" fail "$VOL" 1
printf later | dd of="$VOL" bs=1 seek=1000001 conv=notrunc status=none
printf later | dd of=true bs=1 seek=1000001 conv=notrunc status=none
"$m" restore "$VOL" 1 --wait
"$m" scrub "$VOL" --repair --source 0 --wait
cmp b.img true
cmp a.img true
"$m" fault "$VOL" 0 off
wait_until 5 grep -q 'fault=ended leg=0 kind=corrupt-read' "$LOG" || fail "it does not end"
cmp "$VOL" true
"$m" scrub "$VOL" --wait
unmount
cmp a.img true
cmp b.img true
