#!/usr/bin/env bash
# F2: cp skips the holes of its source and trusts that the target reads as zeroes: a sparse copy
# over old data reads back identical, on file legs and on block legs, in the middle of a leg too.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_loop
truncate -s 7M source
for first in 0 1000 2500 6000; do
  dd if=/dev/urandom of=source bs=1000 count=400 seek="$first" conv=notrunc status=none
done
truncate -s 6900001 source

filled_with x $((10 << 20)) >block.img
loop_leg block 10M
block=$LEG
file_leg plain 9M x
plain=$LEG
file_leg other 8M x
mount_volume size=8MiB "$LEG" "$plain,start=100" "$block,start=2048"
cp source expected && truncate -s 8M expected
for sparse in auto always never; do
  filled_with o $((8 << 20)) | dd of="$VOL" bs=1M iflag=fullblock conv=notrunc,fsync status=none
  cp "--sparse=$sparse" source "$VOL"
  assert_same expected "$VOL"
  sync "$VOL"
  assert_legs_equal expected "$LEG" "$plain,start=100" "$block,start=2048"
done
assert_equal AAA "$(letters)"
