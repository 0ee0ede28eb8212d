#!/usr/bin/env bash
# M19: io: buffered and io: direct legs beside each other hold the same; a buffered leg is flushed
# by itself within some seconds.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 4M
first=$LEG
file_leg b 4M
second=$LEG
scripted_leg c 1M
mount_volume "$first,io=direct" "$second,io=buffered"
random_file source $((4 << 20))
cp source "$VOL"
dd if=source of="$VOL" bs=1000 count=100 seek=5 oflag=direct conv=notrunc status=none
dd if=source of=source2 bs=1000 count=100 seek=5 status=none
assert_same source2 "$VOL" 100000 5000 5000
unmount
assert_same "$first" "$second"

mount_volume "$WORK/c.nbd/disk,io=buffered"
write_sectors "$VOL" 0 8 w
flushed() { grep -q '^flush' c.requests; }
wait_until 9 flushed || fail "no flush within 9 s: $(cat c.requests)"
assert_state A 0x0 in-sync
