#!/usr/bin/env bash
# M5: ENOSPC is kept apart from EIO: the quorum cannot be met because of space -> ENOSPC.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

small_space tiny 1M
truncate -s 4M tiny/a
file_leg b 4M
mount_volume write_quorum=2 "$WORK/tiny/a" "$LEG"
write_sectors "$VOL" 0 8 o
assert_fails_with "No space left on device" dd if=/dev/urandom of="$VOL" bs=1M count=2 seek=1 oflag=direct conv=notrunc status=none
assert_equal o "$(sector_byte "$VOL" 3)"
