#!/usr/bin/env bash
# F1, F2: truncating to S makes [S, size) zeroes on every leg and leaves [0, S) and the size; on
# file legs and on block legs whose neighbours stay untouched.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_loop
filled_with x $((4 << 20)) >block.img
loop_leg block 4M
block=$LEG
file_leg plain 1M x
mount_volume size=1MiB "$LEG" "$block,start=2048,count=2048"
filled_with x $((1 << 20)) >expected

# truncated_to BYTES: what the volume must hold now, and the legs too.
truncated_to() {
  truncate -s "$1" expected
  truncate -s 1M expected
  assert_equal 1048576 "$(stat -c %s "$VOL")" size
  assert_same expected "$VOL"
  sync "$VOL"
  assert_legs_equal expected "$LEG" "$block,start=2048"
}
truncate -s 1M "$VOL"
truncated_to 1048576
truncate -s 1000001 "$VOL"
truncated_to 1000001
truncate -s 513 "$VOL"
truncated_to 513
: >"$VOL"
truncated_to 0
unmount
filled_with x $((1 << 20)) >around
assert_same around block.img 1048576 0 0
assert_same around block.img 1048576 0 2097152
assert_equal 1048576 "$(stat -c %s plain.img)" "the leg's own size"
