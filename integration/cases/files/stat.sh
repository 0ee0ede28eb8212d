#!/usr/bin/env bash
# F1: a volume is a regular file of fixed size in a directory that lists the volumes and no more.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M
first=$LEG
file_leg b 2M
write_config <<CONFIG
volumes:
  one.img:
    mode: "0600"
    initial_sync: assume-in-sync
    legs: [{path: "$first"}]
  "two words":
    initial_sync: assume-in-sync
    mode: "0440"
    legs: [{path: "$LEG"}]
CONFIG
mount_config
assert_equal "one.img two words " "$(cd "$MNT" && printf '%s ' *)"
assert_equal "." "$(find "$MNT" -maxdepth 1 -name '.?*' -printf . ; echo .)" "nothing hidden is listed"
assert_equal "regular file 1048576 600 1" "$(stat -c '%F %s %a %h' "$MNT/one.img")"
assert_equal "regular file 2097152 440 1" "$(stat -c '%F %s %a %h' "$MNT/two words")"
assert_equal 2048 "$(stat -c '%b' "$MNT/one.img")" blocks
assert_equal directory "$(stat -c %F "$MNT")"
[ "$(stat -c %i "$MNT/one.img")" != "$(stat -c %i "$MNT/two words")" ] || fail "the same inode number"
before=$(stat -c %Y "$MNT/one.img")
sleep 1.1
write_sectors "$MNT/one.img" 1 1 x
[ "$(stat -c %Y "$MNT/one.img")" -gt "$before" ] || fail "a write does not change the mtime"
touch -d '2001-02-03 04:05:06 UTC' "$MNT/one.img"
assert_equal 981173106 "$(stat -c %Y "$MNT/one.img")" mtime
stat -f "$MNT" >/dev/null
df "$MNT" >/dev/null
[ ! -e "$MNT/absent" ] || fail "an unknown name exists"
