#!/usr/bin/env bash
# F1, F4: dd with common and odd block sizes, with seek and conv=notrunc, through the page cache
# and with O_DIRECT, does to the volume what it does to a plain file.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 8M
first=$LEG
file_leg b 8M
mount_volume "$first" "$LEG"
random_file source $((3 << 20))
truncate -s 8M expected

# both DD_ARGUMENT...: the same dd onto the volume and onto the model.
both() {
  dd if=source of="$VOL" conv=notrunc status=none "$@" "${direct[@]}"
  dd if=source of=expected conv=notrunc status=none "$@"
  assert_same expected "$VOL"
}
for mode in buffered direct; do
  direct=()
  [ $mode = buffered ] || direct=(oflag=direct)
  both bs=512 count=100
  both bs=4k seek=3
  both bs=1M seek=5
  both bs=1M skip=2 seek=1
  both bs=1000 count=300 seek=7
  both bs=4097 count=50 skip=11 seek=90
  both bs=333 count=1 seek=12345
  both bs=131073 count=3 seek=2
done
sync "$VOL"
assert_legs_equal expected "$first" "$LEG"
