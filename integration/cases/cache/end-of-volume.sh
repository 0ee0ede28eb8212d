#!/usr/bin/env bash
# F3 with cache: writeback: what is written past the end is an error at fsync and at close, whose
# next write fails if it is the only writer; the size is right when anybody asks, and no byte is there.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1052160 x # not a multiple of the page
first=$LEG
file_leg b 1052160 x
mount_volume cache=writeback "$first" "$LEG"
python3 - "$VOL" <<'PYTHON'
import errno, os, sys, time
size, path = 1052160, sys.argv[1]
def refused(code, call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        assert error.errno == code, (call, arguments, error)
    else:
        raise AssertionError((call, arguments, "did not fail"))
def check(file, what):
    assert os.fstat(file).st_size == size == os.stat(path).st_size, what
    assert os.lseek(file, 0, os.SEEK_END) == size, what
    assert os.pread(file, 9000, size - 100) == b"x" * 100, what
    assert open(path, "rb").read()[size - 100:] == b"x" * 100, what
for place in (size, size + 1, size + 512, size * 5):
    for tell in (os.fsync, os.fdatasync):
        file = os.open(path, os.O_RDWR)
        os.pwrite(file, b"y" * 512, place)
        refused(errno.ENOSPC, tell, file)
        check(file, (place, tell))
        tell(file)
        os.close(file)
    file = os.open(path, os.O_RDWR)
    reader = os.open(path, os.O_RDONLY)
    os.pwrite(file, b"y" * 512, place)
    refused(errno.ENOSPC, os.close, file)
    check(reader, (place, "close"))
    os.close(reader)
# Across the end: what is within stays, and the error is told though a part was written.
file = os.open(path, os.O_RDWR)
os.pwrite(file, b"w" * 300000, size - 150000)
refused(errno.ENOSPC, os.fsync, file)
assert os.fstat(file).st_size == size
assert os.pread(file, 300000, size - 150000) == b"w" * 150000
os.pwrite(file, b"x" * 150000, size - 150000)
os.fsync(file)
os.close(file)
# Each write for itself.
for flags in (os.O_SYNC, os.O_DSYNC, os.O_DIRECT):
    file = os.open(path, os.O_RDWR | flags)
    refused(errno.ENOSPC, os.pwrite, file, b"y" * 512, size)
    refused(errno.ENOSPC, os.pwrite, file, b"y" * 512, size * 2)
    check(file, flags)
    os.close(file)
# The kernel tells of a close later: until then who opens the file beside a direct handle writes directly, too.
time.sleep(0.5)
# The next write of a writer that is alone and does not stop, and of nobody else.
file = os.open(path, os.O_WRONLY | os.O_APPEND)
os.write(file, b"appended")
def goes_on():
    for _ in range(100):
        os.write(file, b"a" * (1 << 20))
        os.sync()
        time.sleep(0.05)
refused(errno.ENOSPC, goes_on)
refused(errno.ENOSPC, os.close, file)
file = os.open(path, os.O_WRONLY)
innocent = os.open(path, os.O_WRONLY)
for _ in range(10):
    os.pwrite(file, b"y" * (1 << 20), size)
    os.sync()
for _ in range(10):
    assert os.pwrite(innocent, b"x", 0) == 1
    time.sleep(0.02)
refused(errno.ENOSPC, os.close, file)
os.close(innocent)
refused(errno.EFBIG, os.truncate, path, size + 1)
file = os.open(path, os.O_RDONLY)
check(file, "at the end")
os.close(file)
PYTHON
# Who writes without end is stopped.
assert_fails_with "No space left" timeout 60 dd if=/dev/zero of="$VOL" bs=64k conv=notrunc status=none
assert_equal 1052160 "$(stat -c %s "$VOL")" size
assert_zeroes "$VOL" 0 1052160
assert_fails_with "No space left" dd if=/dev/zero of="$VOL" bs=1M count=2 status=none
assert_equal 1052160 "$(stat -c %s "$VOL")" size
assert_equal AA "$(letters)" "refusing a write is no fault of a leg"
unmount
assert_same a.img b.img
assert_equal 1052160 "$(stat -c %s a.img)"
