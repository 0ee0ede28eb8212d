#!/usr/bin/env bash
# cache: none: every read comes to the legs, mappings work, and it may stand beside writeback.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M x
first=$LEG
file_leg b 1M x
second=$LEG
file_leg c 1M x
write_config <<END
volumes:
  vol:
    initial_sync: assume-in-sync
    cache: none
    legs:
$(leg_lines "$first" "$second")
  other:
    cache: writeback
    legs:
$(leg_lines "$LEG")
END
mount_config
assert_equal x "$(head -c 1 "$VOL")"
write_sectors a.img 0 1 y
assert_equal y "$(head -c 1 "$VOL")" "a second read came from the page cache"
python3 - "$VOL" <<'PYTHON'
import errno, mmap, os, sys
file = os.open(sys.argv[1], os.O_RDWR)
with mmap.mmap(file, 1 << 20) as mapping:
    mapping[5000:5010] = b"m" * 10
    assert os.pread(file, 12, 4999) == b"x" + b"m" * 10 + b"x"
    os.pwrite(file, b"w", 5005)
    assert mapping[5005:5006] == b"w"
try:
    os.pwrite(file, b"y", 1 << 20)
    raise AssertionError("past the end, and no error")
except OSError as error:
    assert error.errno == errno.ENOSPC
os.ftruncate(file, 8192)
assert os.fstat(file).st_size == 1 << 20
assert os.pread(file, 8192, 4096)[4096:] == bytes(4096)
PYTHON
printf other | dd of="$MNT/other" conv=notrunc status=none
assert_equal other "$(head -c 5 c.img)" "closed, and not on the leg"
