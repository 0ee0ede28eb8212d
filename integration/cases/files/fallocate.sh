#!/usr/bin/env bash
# F5, M15: fallocate plain, keep-size, punch and zero-range; odd edges; no growing; zeroes on every
# leg afterwards, block devices too; no leg is degraded.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_loop
file_leg a 1M
plain=$LEG
loop_leg b 1M
block=$LEG
leg_with_errors c 1M # nbdfuse: another set of abilities
mount_volume "$plain" "$block" "$LEG"
filled_with x $((1 << 20)) >expected

# both FALLOCATE_ARGUMENT...: the same on the volume and on the model, then compared.
both() {
  fallocate "$@" "$VOL"
  fallocate "$@" expected
  assert_equal 1048576 "$(stat -c %s "$VOL")" size
  assert_same expected "$VOL"
}
cp expected "$VOL"
both -o 0 -l 1048576
both -n -o 5000 -l 100000
both -p -o 65536 -l 131072
both -p -o 1001 -l 5003
both -p -o 700000 -l 3
both -z -o 300000 -l 100001
both -z -n -o 513 -l 1
both -p -o 1048000 -l 576
fallocate -p -o 1000000 -l 1000000 "$VOL" # over the end: zeroes to the end, no growth
fallocate -p -o 1000000 -l 1000000 expected
assert_equal 1048576 "$(stat -c %s "$VOL")" size
assert_same expected "$VOL"
assert_fails_with "No space left|File too large" fallocate -o 0 -l 1048577 "$VOL"
assert_fails fallocate -i -o 0 -l 4096 "$VOL"
assert_fails fallocate -c -o 0 -l 4096 "$VOL"
assert_state AAA 0x0 in-sync
sync "$VOL"
assert_legs_equal expected "$plain" "$block" c.img
