#!/usr/bin/env bash
# A sparse volume of 16 TiB (8 where the file system allows no more) mounts at once, and costs memory by what
# is dirty in it, not by its size; what its legs do not hold is neither compared nor copied.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

# Memory takes files that large where a disk does not.
folder=$WORK
if ! truncate -s 16T a.img 2>/dev/null && [ -w /dev/shm ]; then
  folder=$(mktemp -d /dev/shm/mirrorfs-case.XXXXXX)
  defer rm -rf "$folder"
fi
size=16T
truncate -s $size "$folder/a.img" 2>/dev/null || size=8T
for leg in a b c; do truncate -s $size "$folder/$leg.img" || skip "no file of 8 TiB on this file system"; done
resident() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$(daemons)/status"; }
mount_volume initial_sync=verify "$folder/a.img" "$folder/b.img"
# Never compared: holes are equal, and seen to be.
wait_idle
before=$(resident)
end=$(($(stat -c %s "$VOL") / 512 - 8))
places=(0 8 1000000 $((end / 2 / 8 * 8)) $((end - 64)) "$end")
# As mkfs does: the whole of it punched, then a little written, most at both ends.
fallocate --punch-hole --offset 0 --length $size "$VOL"
for place in "${places[@]}"; do
  write_sectors "$VOL" "$place" 8 x
  assert_equal x "$(sector_byte "$VOL" "$place")"
done
sync "$VOL"
grown=$(($(resident) - before))
echo "resident: $before KiB after the mount, $grown more after a punch and six writes"
[ "$before" -lt 150000 ] || fail "idle, and $before KiB resident"
[ "$grown" -lt 20000 ] || fail "a punch and six writes took $grown KiB"
for leg in a b; do assert_equal x "$(sector_byte "$folder/$leg.img" $end)"; done
# A volume's space is always its own; what is really taken, its legs tell.
assert_equal $((end * 512 + 4096)) "$(du -B1 "$VOL" | cut -f 1)"
[ "$(du -k "$folder/a.img" | cut -f 1)" -lt 1000 ] || fail "du: $(du -k "$folder/a.img")"

# A scrub passes holes over, and finds what differs behind them.
dd if=/dev/urandom of="$folder/b.img" bs=512 count=1 seek="${places[3]}" conv=notrunc status=none
"$MIRRORFS" scrub "$VOL" --wait || true
assert_one_log_line scrub=finished differing_ranges=1
write_sectors "$folder/b.img" "${places[3]}" 8 x

# So does a recovery, whatever is marked; and a leg that is replaced stays sparse.
fallocate --punch-hole --offset $((2 ** 40)) --length $((2 ** 40)) "$VOL"
crash
mount_config
wait_idle
assert_match 'sectors_to_recover=[1-9][0-9]{8}' "$(cat "$LOG")" "nothing to recover"
write_sectors "$folder/c.img" 3000000 8 z
"$MIRRORFS" replace "$VOL" 1 "$folder/c.img"
is_replaced() { [[ $(xattr "$VOL" leg.1.region) == "$folder/c.img "* ]]; }
wait_until 30 is_replaced || fail "$(cat "$LOG")"
for place in "${places[@]}"; do assert_equal x "$(sector_byte "$folder/c.img" "$place")"; done
assert_equal 0 "$(sector_byte "$folder/c.img" 3000000)" "what it held before"
[ "$(du -k "$folder/c.img" | cut -f 1)" -lt 20000 ] || fail "the copy takes $(du -k "$folder/c.img") KiB"
unmount
