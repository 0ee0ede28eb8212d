#!/usr/bin/env bash
# Interface: `mirrorfs fault`: each kind does on one leg what it says, is shown while it runs, ends
# by itself or by command, and the leg is copied again.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

m=$MIRRORFS
file_leg a 4M
first=$LEG
file_leg b 4M
mount_volume "$first,start=0,count=4096" "$LEG,start=1024,count=4096"
assert_equal none "$(xattr "$VOL" fault)"

"$m" fault "$VOL" 1 eio --for 2s --range 2048+8
assert_match '^leg=1 eio 2048\+8 [12]s$' "$(xattr "$VOL" fault)"
assert_match 'fault +rehearsed: leg=1 eio' "$("$m" status "$VOL")"
"$m" status "$VOL" --json | python3 -c '
import json, sys
fault, = json.load(sys.stdin)["volumes"][0]["faults"]
assert (fault["leg"], fault["kind"], fault["range"]) == (1, "eio", "2048+8"), fault
assert 1 <= fault["seconds_left"] <= 2, fault'
assert_fails_with "has a fault already" "$m" fault "$VOL" 1 delay
write_sectors "$VOL" 2040 8 x
assert_state AA 0x0 in-sync
write_sectors "$VOL" 2050 1 x
assert_state AD 0x2 degraded
assert_equal 2050+1 "$(xattr "$VOL" leg.1.stale)"
sync -f "$VOL"
assert_equal x "$(sector_byte "$VOL" 2050)"
wait_until 10 grep -q 'fault=ended leg=1 kind=eio range=2048+8' "$LOG" || fail "it does not end"
assert_equal none "$(xattr "$VOL" fault)"
assert_one_log_line 'fault=begun leg=1 kind=eio range=2048+8 seconds=2'
"$m" resync "$VOL" --wait
assert_state AA 0x0 in-sync

# Without a range: reads, writes and flushes, and nothing on the other leg.
"$m" fault "$VOL" 0 eio
assert_equal x "$(sector_byte "$VOL" 2050)"
write_sectors "$VOL" 1 1 y conv=notrunc,fsync
assert_match '^[DF]A$' "$(letters)"
"$m" fault "$VOL" 0 off
wait_until 5 grep -q 'fault=ended leg=0 kind=eio' "$LOG" || fail "off does not end it"
assert_fails_with "has no fault" "$m" fault "$VOL" 0 off
"$m" resync "$VOL" --wait

"$m" fault "$VOL" 1 enospc
write_sectors "$VOL" 100 8 z
assert_state AN 0x2 degraded
"$m" fault "$VOL" 1 off
"$m" resync "$VOL" --wait

"$m" fault "$VOL" 1 delay --delay 400ms
began=${EPOCHREALTIME/./}
write_sectors "$VOL" 100 8 w
assert_at_least 400000 $((${EPOCHREALTIME/./} - began)) "microseconds of a delayed write"
"$m" fault "$VOL" 1 off
assert_state AA 0x0 in-sync
unmount
assert_same a.img b.img $((4096 * 512)) 0 $((1024 * 512))
assert_equal w "$(sector_byte b.img 1124)"

# What makes no sense is refused, and nothing begins.
mount_config
for arguments in "1 eio --for 0s" "1 eio --for 2h" "1 eio --for soon" "1 sparks" "1 corrupt-read"; do
  # shellcheck disable=SC2086 # several words on purpose
  assert_fails "$m" fault "$VOL" $arguments
  assert_equal 64 "$STATUS" "$arguments"
done
for arguments in "2 eio" "1 eio --range 4096+1" "1 eio --range 5" "1 eio --range 0+0"; do
  # shellcheck disable=SC2086
  assert_fails_with "no such leg or range|there is no leg" "$m" fault "$VOL" $arguments
done
assert_equal none "$(xattr "$VOL" fault)"
# It ends with the mount, and the mark of a clean stop is made.
"$m" fault "$VOL" 1 eio --for 1h
unmount
mount_config
assert_state AA 0x0 in-sync
