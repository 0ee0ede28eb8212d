#!/usr/bin/env bash
# M17: legs are known by what they are, not by their place in the config; a read-only volume shows
# what is stale, does not read it, and writes to no leg.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M o
first=$LEG
file_leg b 1M o
second=$LEG
mount_volume "$first" "$second"
control 'fail 1'
write_sectors "$VOL" 100 8 n
control pause
control 'restore 1'
unmount

sums=$(sha256sum a.img b.img)
config_for read_policy=round-robin read_only=true "$second" "$first"
mount_config
assert_equal 100+8 "$(xattr "$VOL" leg.0.stale)"
assert_equal 0x1 "$(xattr "$VOL" error_bits_seen)"
for _ in 1 2 3 4; do assert_equal n "$(sector_byte "$VOL" 100)"; done
sleep 1.5
unmount
assert_equal "$sums" "$(sha256sum a.img b.img)"

config_for "$first" "$second"
mount_config
wait_until 10 has_letters AA
unmount
assert_same a.img b.img
