#!/usr/bin/env bash
# E4, M5: a volume with one leg only is a file like any other.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 4M
mount_volume "$LEG"
random_file source 4000000
cp source "$VOL"
assert_same source "$VOL" 4000000
assert_zeroes "$VOL" 4000000 $(((4 << 20) - 4000000))
assert_state A 0x0 in-sync
unmount
assert_same source a.img 4000000
