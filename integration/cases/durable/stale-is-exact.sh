#!/usr/bin/env bash
# M4, M6: which sectors a leg missed is known to the sector after kill -9.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

leg_with_errors a 1M
bad=$LEG
file_leg b 1M
mount_volume "$bad" "$LEG"
fail_writes a
write_sectors "$VOL" 8 3 x
write_sectors "$VOL" 1001 1 y
crash
mount_config
assert_equal "8+3 1001+1" "$(xattr "$VOL" leg.0.stale)"
assert_equal DA "$(letters)"
unmount
