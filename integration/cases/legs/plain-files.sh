#!/usr/bin/env bash
# F1: legs that are plain files; the volume's size is the legs' common size, and an odd one ends
# at its last whole sector.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1000000
first=$LEG
file_leg b 1000000
mount_volume "$first" "$LEG"
assert_equal $((1000000 / 512 * 512)) "$(stat -c %s "$VOL")" size
random_file source $((1000000 / 512 * 512))
cp source "$VOL"
assert_same source "$VOL"
unmount
assert_legs_equal source "$first" "$LEG"
assert_equal 1000000 "$(stat -c %s a.img)" "the leg's own size"
