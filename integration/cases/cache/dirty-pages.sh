#!/usr/bin/env bash
# cache: writeback, F5: what the kernel has gathered and not yet sent is no hole for SEEK_DATA, is
# written before a punch, dropped by a truncation, in time for O_DIRECT, and sent at unmount.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 4M
first=$LEG
file_leg b 4M
mount_volume cache=writeback "$first" "$LEG"
python3 - "$VOL" <<'PYTHON'
import ctypes, mmap, os, subprocess, sys
path, size = sys.argv[1], 4 << 20
libc = ctypes.CDLL(None, use_errno=True)
file = os.open(path, os.O_RDWR)
os.pwrite(file, b"d" * 10000, 1 << 20)
assert os.lseek(file, 0, os.SEEK_DATA) <= 1 << 20
assert os.lseek(file, 1 << 20, os.SEEK_HOLE) >= (1 << 20) + 10000
subprocess.run(["cp", "--sparse=auto", path, "copy"], check=True)
assert open("copy", "rb").read()[1 << 20 :][:10000] == b"d" * 10000, "a copy skips what is dirty"
# A partial page of a handle that cannot read.
blind = os.open(path, os.O_WRONLY)
os.pwrite(blind, b"e" * 100, (1 << 20) + 5000)
expected = b"d" * 5000 + b"e" * 100 + b"d" * 4900
assert os.pread(file, 10000, 1 << 20) == expected
os.close(blind)
page = mmap.mmap(-1, 8192)
direct = os.open(path, os.O_RDWR | os.O_DIRECT)
os.pwrite(file, b"f" * 4096, 1 << 20)
assert os.preadv(direct, [page], 1 << 20) == 8192
assert page[:8192] == b"f" * 4096 + expected[4096:8192], "O_DIRECT reads old bytes"
page[:8192] = b"g" * 8192
assert os.pwritev(direct, [page], 1 << 20) == 8192
assert os.pread(file, 8192, 1 << 20) == b"g" * 8192, "the page cache shows old bytes"
os.close(direct)
# Holes and cuts in what is dirty.
os.pwrite(file, b"h" * 65536, 2 << 20)
assert libc.fallocate(file, 3, ctypes.c_long((2 << 20) + 8192), ctypes.c_long(8192)) == 0
os.fsync(file)
assert os.pread(file, 65536, 2 << 20) == b"h" * 8192 + bytes(8192) + b"h" * 49152
for cut in (size - 12345, 0):
    os.pwrite(file, b"i" * size, 0)
    os.ftruncate(file, cut)
    assert os.fstat(file).st_size == size
    assert os.pread(file, size, 0) == b"i" * cut + bytes(size - cut), cut
    os.fsync(file)
    assert os.pread(file, size, 0) == b"i" * cut + bytes(size - cut), cut
os.pwrite(file, b"j" * 8192, 0)
with mmap.mmap(file, size) as mapping:
    assert mapping[:8192] == b"j" * 8192
    mapping[4096:8192] = b"k" * 4096
os.utime(path, ns=(10**18, 10**18))
assert os.stat(path).st_mtime_ns == 10**18
os.pwrite(file, b"j", 0)
assert os.stat(path).st_mtime_ns > 10**18
PYTHON
# Not synced; the program has ended, and with it its handles were closed.
bytes_of "$VOL" 0 8192 | cmp - <(filled_with j 4096; filled_with k 4096)
exec {file}<>"$VOL"
printf held >&"$file"
(sleep 1; kill "$(daemons)") & # while it is dirty and open: the mount goes lazily
defer wait_until 5 gone $!
wait_until 10 not_mounted "$MNT"
wait_until 10 grep -q '^held' a.img || fail "not sent when the mount went"
exec {file}>&-
wait_until 10 no_daemon
assert_same a.img b.img
