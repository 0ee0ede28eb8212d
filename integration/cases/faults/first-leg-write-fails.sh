#!/usr/bin/env bash
# M3, M4: the primary leg fails its writes: reads of what it missed come from the other leg.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

leg_with_errors a 4M
first=$LEG
file_leg b 4M
mount_volume "$first" "$LEG"
fail_writes a
random_file source $((4 << 20))
cp source "$VOL"
assert_state DA 0x1 degraded
assert_same source "$VOL"
dd if="$VOL" bs=64k iflag=direct status=none | cmp - source
mend_writes a
dd if="$VOL" bs=64k iflag=direct status=none | cmp - source
sync "$VOL"
assert_same source b.img
