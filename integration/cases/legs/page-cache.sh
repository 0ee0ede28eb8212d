#!/usr/bin/env bash
# M19: what a direct leg has left in the page cache before the mount is written and forgotten, so that no direct
# write has to; it is not lost.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"
need fincore

for leg in a b; do random_file "$leg.img" 4194304; done
cp a.img b.img
cached() { fincore --bytes --noheadings --output RES "$1" | tr -d ' '; }
[ "$(cached a.img)" -gt 4000000 ] || skip "the page cache does not hold files here"
cp a.img source
mount_volume "$WORK/a.img" "$WORK/b.img"
descriptor=$(basename "$(find "/proc/$(daemons)/fd" -lname "$WORK/a.img")")
flags=$(sed -n 's/^flags:[^0-9]*//p' "/proc/$(daemons)/fdinfo/$descriptor")
((8#$flags & 8#40000)) || skip "legs here are not direct"
for leg in a b; do assert_equal 0 "$(cached $leg.img)" "still in the page cache: $leg"; done
dd if="$VOL" bs=1M iflag=direct status=none | cmp - source
unmount
for leg in a b; do assert_same $leg.img source; done
