#!/usr/bin/env bash
# F3: a write at or past the end is ENOSPC, one across it is short and then ENOSPC; truncate
# cannot grow it (EFBIG); the size stays.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M x
first=$LEG
file_leg b 1M x
mount_volume "$first" "$LEG"
python3 - "$VOL" <<'PYTHON'
import errno, os, sys
size = 1 << 20
def refused(code, call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        assert error.errno == code, (call, arguments, error)
    else:
        raise AssertionError((call, arguments, "did not fail"))
for flags in (0, os.O_DIRECT):
    file = os.open(sys.argv[1], os.O_RDWR | flags)
    for place in (size, size + 1, size + 512, size * 5):
        refused(errno.ENOSPC, os.pwrite, file, b"y" * 512, place)
    assert os.pwrite(file, b"y" * 2000, size - 1000) == 1000
    assert os.pread(file, 5000, size - 1000) == b"y" * 1000
    assert os.pread(file, 10, size) == b""
    assert os.pwrite(file, b"z" * (256 << 10), size - (128 << 10)) == 128 << 10
    refused(errno.EFBIG, os.ftruncate, file, size + 1)
    os.ftruncate(file, size)
    assert os.fstat(file).st_size == size
    os.close(file)
file = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)
refused(errno.ENOSPC, os.write, file, b"appended")
refused(errno.EFBIG, os.truncate, sys.argv[1], 10 * size)
PYTHON
assert_fails_with "No space left" dd if=/dev/zero of="$VOL" bs=1M count=2 conv=notrunc status=none
assert_equal 1048576 "$(stat -c %s "$VOL")" size
assert_zeroes "$VOL" 0 1048576
assert_fails_with "File too large" truncate -s 1048577 "$VOL"
assert_equal AA "$(letters)" "refusing a write is no fault of a leg"
sync "$VOL"
assert_legs_equal "$VOL" "$first" "$LEG"
