#!/usr/bin/env bash
# F1, E2: legs that are block devices, each with its own start and count.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_loop
random_file source $((6 << 20))
loop_leg a 16M
first=$LEG
loop_leg b 20M
mount_volume "$first,start=2048,count=12288" "$LEG,start=24576,count=12288"
assert_equal $((6 << 20)) "$(stat -c %s "$VOL")" size
cp source "$VOL"
assert_same source "$VOL"
dd if=/dev/zero of="$VOL" bs=1000 seek=100 count=33 conv=notrunc,fsync status=none
dd if=/dev/zero of=source bs=1000 seek=100 count=33 conv=notrunc status=none
assert_state AA 0x0 in-sync
assert_legs_equal source "$first,start=2048" "$LEG,start=24576"
unmount
assert_legs_equal source "$first,start=2048" "$LEG,start=24576"
