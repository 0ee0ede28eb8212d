#!/usr/bin/env bash
# M8, M17, M20: legs that are parts of one file share its descriptor, but no fate: one that is opened anew,
# be it another file by now, or let go, changes nothing for the others; buffered ones do not share.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

for leg in a b; do file_leg "$leg" 8M; done
# volume NAME FIRST_SECTOR [KEY=VALUE]: on the same part of both files, 1 MiB.
volume() {
  printf '  %s:\n    initial_sync: assume-in-sync\n    legs:\n' "$1"
  leg_lines "$WORK/a.img,start=$2,count=2048${3:+,$3}" "$WORK/b.img,start=$2,count=2048${3:+,$3}"
}
opened() { find "/proc/$(daemons)/fd" -lname "$1" | wc -l; }
told() { [ "$(log_lines "$1")" -ge 1 ]; }
{ echo volumes:; volume one 0; volume two 2048; volume three 4096; volume four 8192 io=buffered; volume five 10240 io=buffered; } | write_config
mount_config
for name in one two three four five; do write_sectors "$MNT/$name" 0 2048 o; done
assert_equal 3 "$(opened "$WORK/b.img")" "descriptors: three volumes share one, buffered ones have their own"
# refused FIRST_SECTOR: another mirrorfs is kept off these sectors of b.img.
refused() {
  printf 'version: 1\nstate_directory: %s\nvolumes:\n  v:\n    legs:\n%s\n' "$WORK/state2" \
    "$(leg_lines "$WORK/b.img,start=$1,count=2048")" >second.yaml
  mkdir -p second
  assert_fails_with "in use" "$MIRRORFS" mount second.yaml second --log second.log
}
for first in 0 2048 4096 8192; do refused $first; done

# Opened anew: it has a descriptor of its own, and its sectors are kept as before.
control 'fail 1' "$MNT/one"
write_sectors "$MNT/one" 100 10 p
control 'restore 1' "$MNT/one"
wait_until 10 has_letters AA "$MNT/one"
assert_equal 4 "$(opened "$WORK/b.img")" "descriptors after one leg was opened anew"
for first in 0 2048 4096; do refused $first; done
control 'fail 1' "$MNT/one"
control 'restore 1' "$MNT/one"
wait_until 10 has_letters AA "$MNT/one"
assert_equal 4 "$(opened "$WORK/b.img")" "once is enough"

# Another file under the name: the leg that is opened anew goes there, its neighbours stay.
mv b.img former.img
truncate -s 8M b.img
control 'fail 1' "$MNT/two"
control 'restore 1' "$MNT/two"
wait_until 10 has_letters AA "$MNT/two"
write_sectors "$MNT/two" 0 8 t
write_sectors "$MNT/three" 0 8 t
write_sectors "$MNT/one" 0 8 t
sync "$MNT/two" "$MNT/three"
assert_equal t "$(sector_byte b.img 2048)"
assert_equal o "$(sector_byte b.img 2148)" "resynced as a whole"
assert_equal o "$(sector_byte former.img 2048)" "written to a file that it has left"
assert_equal t "$(sector_byte former.img 4096)"
assert_equal t "$(sector_byte former.img 0)"
assert_equal 0 "$(sector_byte b.img 4096)" "written to a file that is not its own"
for name in one two three; do assert_equal AA "$(letters "$MNT/$name")"; done

# Let go while the others stay: the sectors are free, theirs are not.
{ echo volumes:; volume one 0; volume two 2048; volume four 8192 io=buffered; volume five 10240 io=buffered; } | write_config
kill -HUP "$(daemons)"
wait_until 10 told "removed=three" || fail "$(cat "$LOG")"
mv b.img other.img
mv former.img b.img
for first in 0 8192; do refused $first; done
printf 'version: 1\nstate_directory: %s\nvolumes:\n  v:\n    initial_sync: assume-in-sync\n    legs:\n%s\n' \
  "$WORK/state2" "$(leg_lines "$WORK/b.img,start=4096,count=2048")" >second.yaml
defer unmount_at_end "$WORK/second"
"$MIRRORFS" mount second.yaml "$WORK/second" --log second.log || fail "still kept: $(cat second.log)"
assert_equal t "$(sector_byte second/v 0)"
unmount "$WORK/second"
write_sectors "$MNT/one" 0 8 u
assert_equal u "$(sector_byte b.img 0)"
assert_same "$MNT/one" a.img 1048576
