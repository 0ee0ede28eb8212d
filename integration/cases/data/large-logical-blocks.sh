#!/usr/bin/env bash
# F4, M19: one leg with logical blocks of 4096 bytes beside one of 512: any write is legal, edges
# are widened to the leg's block, and the legs stay equal.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_loop
truncate -s 1M big.img
loop_leg big 1M --sector-size 4096
[ "$(blockdev --getss "$LEG")" = 4096 ] || skip "no loop devices with 4096-byte sectors"
big=$LEG
file_leg small 1M
mount_volume "$LEG" "$big"
truncate -s 1M expected
random_file source $((1 << 20))
for arguments in "bs=1M" "bs=512 count=1 seek=3" "bs=1000 count=70 seek=13" "bs=1536 count=9 seek=5"; do
  for flag in direct dsync; do
    # shellcheck disable=SC2086 # several words on purpose
    dd if=source of="$VOL" $arguments oflag="$flag" conv=notrunc status=none
    # shellcheck disable=SC2086
    dd if=source of=expected $arguments conv=notrunc status=none
    assert_same expected "$VOL"
  done
done
assert_equal AA "$(letters)"
unmount
assert_legs_equal expected small.img big.img
