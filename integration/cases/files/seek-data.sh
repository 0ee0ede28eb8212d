#!/usr/bin/env bash
# F5: SEEK_DATA and SEEK_HOLE: what is called a hole reads as zeroes, no data is left out, a hole
# is at the end, and past the end is ENXIO; a stale leg's holes are not believed.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

leg_with_errors a 4M
first=$LEG
file_leg b 4M
mount_volume "$first" "$LEG"
cat >seek.py <<'PYTHON'
import errno, os, sys
file = os.open(sys.argv[1], os.O_RDONLY)
size = os.fstat(file).st_size
place, seen = 0, bytearray(size)
while place < size:
    try:
        data = os.lseek(file, place, os.SEEK_DATA)
    except OSError as error:
        assert error.errno == errno.ENXIO, error
        break
    hole = os.lseek(file, data, os.SEEK_HOLE)
    assert place <= data < hole <= size, (place, data, hole)
    seen[data:hole] = os.pread(file, hole - data, data)
    place = hole
content = b""
while len(content) < size:
    content += os.pread(file, size, len(content))
assert seen == content, "a hole holds data"
assert os.lseek(file, size - 1, os.SEEK_HOLE) in (size - 1, size)
for whence in (os.SEEK_DATA, os.SEEK_HOLE):
    try:
        os.lseek(file, size, whence)
        raise AssertionError("seeking at the end did not fail")
    except OSError as error:
        assert error.errno == errno.ENXIO, error
PYTHON
python3 seek.py "$VOL"
write_sectors "$VOL" 2000 500 x
python3 seek.py "$VOL"
fallocate -p -o 1048576 -l 65536 "$VOL"
python3 seek.py "$VOL"
fail_writes a
write_sectors "$VOL" 6000 64 y # leg 0 has a hole there
mend_writes a
python3 seek.py "$VOL"
cp --sparse=always "$VOL" copy
assert_same copy "$VOL"
