#!/usr/bin/env bash
# E10, E17: 64 legs work, and bit 63 and letter 64 are those of the last leg; 65 are refused.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

legs=()
for index in {0..62}; do
  file_leg "leg$index" 1M
  legs+=("$LEG")
done
leg_with_errors last 1M
mount_volume "${legs[@]}" "$LEG"
all_alive=$(filled_with A 64)
assert_state "$all_alive" 0x0 in-sync
random_file source $((1 << 20))
cp source "$VOL"
sync "$VOL"
assert_same source "$VOL"
assert_legs_equal source "${legs[@]}" last.img
fail_writes last
write_sectors "$VOL" 8 8 z
assert_state "${all_alive%A}D" 0x8000000000000000 degraded
assert_equal write-failed "$(xattr "$VOL" leg.63.state)"
unmount

file_leg surplus 1M
config_for "${legs[@]}" "$WORK/last.img" "$LEG"
assert_fails "$MIRRORFS" check "$CONFIG"
assert_match 64 "$SAID" "the limit is named"
