#!/usr/bin/env bash
# M10: background work can be paused, goes on, keeps to its rate, and shows how far it is; it goes on
# after a remount.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 16M
first=$LEG
file_leg b 16M
mount_volume "$first" "$LEG"
control 'fail 1'
head -c 16M /dev/urandom >source
dd if=source of="$VOL" bs=1M conv=notrunc status=none
control pause
control 'restore 1'
sleep 0.6
assert_match '^paused resync 0\.0%' "$(xattr "$VOL" progress)"
assert_equal AS "$(letters)"
control "rate $((4 << 20))"
control resume
wait_until 5 test "$(xattr "$VOL" progress | cut -d' ' -f1)" = resync
sleep 1
assert_equal AS "$(letters)" "much faster than asked"
assert_match '^resync [0-9.]+% [0-9]+MiB/s eta=[0-9]+s$' "$(xattr "$VOL" progress)"
assert_equal resyncing "$(state)"
unmount
mount_config
wait_until 10 has_letters AA
unmount
assert_same a.img b.img
assert_same source a.img
