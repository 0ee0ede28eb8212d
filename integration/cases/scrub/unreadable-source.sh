#!/usr/bin/env bash
# M11: a repair from a leg that cannot be read repairs nothing: what a failed read left in memory is no data.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

leg_with_errors a 4M
first=$LEG
file_leg b 4M
second=$LEG
file_leg c 4M
mount_volume "$first" "$second" "$LEG"
write_sectors "$VOL" 0 2048 o
sync "$VOL"
printf X | dd of=b.img bs=1 seek=$((100 * 512)) conv=notrunc status=none
printf Y | dd of=c.img bs=1 seek=$((100 * 512)) conv=notrunc status=none
fail_reads a
assert_fails "$MIRRORFS" scrub "$VOL" --repair --source 0 --wait
assert_match "^100\+1 legs=0x6" "$(xattr "$VOL" mismatches)"
assert_equal X "$(bytes_of b.img $((100 * 512)) 1)"
assert_equal Y "$(bytes_of c.img $((100 * 512)) 1)"
assert_equal o "$(bytes_of b.img $((100 * 512 + 1)) 1)"
mend_reads a
control resync
wait_idle
"$MIRRORFS" scrub "$VOL" --repair --wait || true
"$MIRRORFS" scrub "$VOL" --repair --source 0 --wait
assert_equal none "$(xattr "$VOL" mismatches)"
unmount
assert_same a.img b.img
assert_same a.img c.img
