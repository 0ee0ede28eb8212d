#!/usr/bin/env bash
# E (backends): --engine forces the engine; data written with one reads back with the other.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 4M
first=$LEG
file_leg b 4M
random_file source $((4 << 20))
config_for "$first" "$LEG"
unset MIRRORFS_ENGINE
mount_config --engine threads
cp source "$VOL"
unmount
mount_config --engine uring
assert_same source "$VOL"
dd if="$VOL" bs=1M iflag=direct status=none | cmp - source
unmount
assert_fails "$MIRRORFS" mount "$CONFIG" "$MNT" --log "$LOG" --engine nonsense
assert_legs_equal source "$first" "$LEG"
