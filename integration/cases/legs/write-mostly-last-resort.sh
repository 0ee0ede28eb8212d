#!/usr/bin/env bash
# M1: a write-mostly leg is read when no other leg can answer.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

leg_with_errors a 1M
first=$LEG
file_leg b 1M b
mount_volume "$first" "$LEG,write_mostly=true"
assert_equal 0 "$(sector_byte "$VOL" 0)"
fail_reads a
assert_equal b "$(sector_byte "$VOL" 8)"
assert_state RA 0x1 degraded
