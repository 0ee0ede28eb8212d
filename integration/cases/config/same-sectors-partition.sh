#!/usr/bin/env bash
# S: a partition and the disk that it is on are the same sectors.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_loop
need addpart
loop_leg disk 8M
partition=${LEG}p1
addpart "$LEG" 1 2048 4096
addpart "$LEG" 2 8192 4096
defer delpart "$LEG" 1
defer delpart "$LEG" 2
wait_until 2 test -b "${LEG}p2" || skip "the kernel makes no partitions of loop devices here"
config_for "$LEG,start=2048,count=8" "$partition,count=8"
assert_fails "$MIRRORFS" check "$CONFIG"
assert_match 'config\.yaml:[0-9]+:[0-9]+: .*(twice|same|overlap|already)' "$SAID"
config_for "$WORK/disk.img,start=6143,count=1" "$partition,start=4095,count=1"
assert_fails "$MIRRORFS" check "$CONFIG"
config_for "$partition" "${LEG}p2"
"$MIRRORFS" check "$CONFIG"
mount_volume "$partition" "${LEG}p2"
random_file source $((2 << 20))
cp source "$VOL"
sync "$VOL"
assert_legs_equal source "$partition" "${LEG}p2"
unmount
