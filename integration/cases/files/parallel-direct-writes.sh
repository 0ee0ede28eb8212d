#!/usr/bin/env bash
# F5: direct writes to one file from several processes run side by side, as on ext4: with a leg
# that takes 50 ms a write, eight writers of five writes need far less than forty times that.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

# The leg is a file of nbdfuse, which takes one synchronous direct write at a time.
[ "${MIRRORFS_ENGINE:-}" != threads ] || skip "the slow leg serialises synchronous writes"
file_leg a 1M
first=$LEG
slow_leg b 1M 50
mount_volume "$first" "$LEG"
random_file source 20480
writers=()
began=${EPOCHREALTIME/./}
for writer in {0..7}; do
  dd if=source of="$VOL" bs=4096 seek=$((writer * 5)) oflag=direct conv=notrunc status=none &
  writers+=($!)
done
wait "${writers[@]}"
took=$(((${EPOCHREALTIME/./} - began) / 1000))
[ "$took" -lt 1000 ] || fail "40 writes of 50 ms by 8 writers took $took ms: one after the other"
unmount
assert_same a.img b.img
