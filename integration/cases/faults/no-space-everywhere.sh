#!/usr/bin/env bash
# M5, F5: when every leg is out of space, the writer gets ENOSPC, not EIO; what was written stays
# readable and the mount lives on.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

small_space tiny 4M
truncate -s 8M tiny/a tiny/b
mount_volume "$WORK/tiny/a" "$WORK/tiny/b"
write_sectors "$VOL" 0 16 o
assert_fails_with "No space left on device" dd if=/dev/urandom of="$VOL" bs=64k seek=1 oflag=direct conv=notrunc status=none
assert_fails_with "No space left on device" dd if=/dev/urandom of="$VOL" bs=64k seek=1 conv=notrunc,fsync status=none
assert_equal o "$(sector_byte "$VOL" 3)"
assert_match N "$(letters)"
write_sectors "$VOL" 0 16 p
assert_equal p "$(sector_byte "$VOL" 3)"
fallocate -p -o 0 -l 8M "$VOL"
sync "$VOL"
write_sectors "$VOL" 4000 16 q
assert_equal q "$(sector_byte "$VOL" 4003)"
