#!/usr/bin/env bash
# F2, F6: after a truncation, a punched hole or a zeroed range, nobody sees old bytes: neither by
# read() out of the page cache, nor in a mapping made before, nor through another descriptor.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M
first=$LEG
file_leg b 1M
mount_volume "$first" "$LEG"
python3 - "$VOL" <<'PYTHON'
import ctypes, mmap, os, subprocess, sys
size, path = 1 << 20, sys.argv[1]
libc = ctypes.CDLL(None, use_errno=True)
def fallocate(mode):
    def call():
        file = os.open(path, os.O_RDWR)
        assert libc.fallocate(file, mode, ctypes.c_long(4096), ctypes.c_long(size - 4096)) == 0, ctypes.get_errno()
        os.close(file)
    return call
ways = {
    "truncate": lambda: os.truncate(path, 4096),
    "O_TRUNC": lambda: os.close(os.open(path, os.O_WRONLY | os.O_TRUNC)),
    "O_TRUNC in another process": lambda: subprocess.run(["sh", "-c", ': >"$1"', "-", path], check=True),
    "punch hole": fallocate(3),
    "zero range": fallocate(16),
}
for name, way in ways.items():
    file = os.open(path, os.O_RDWR)
    assert os.pwrite(file, b"x" * size, 0) == size
    mapping = mmap.mmap(file, size)
    assert mapping[:] == b"x" * size and os.pread(file, size, 0) == b"x" * size
    way()
    # For a moment the file may look cut, and a mapping behind the cut is SIGBUS, as on ext4.
    assert os.fstat(file).st_size == size
    kept = 0 if "O_TRUNC" in name else 4096
    expected = b"x" * kept + bytes(size - kept)
    assert os.pread(file, size, 0) == expected, f"{name}: read() shows old bytes"
    assert mapping[:] == expected, f"{name}: the mapping shows old bytes"
    os.close(os.open(path, os.O_RDONLY))
    assert open(path, "rb").read() == expected, f"{name}: a new reader sees old bytes"
    mapping.close()
    os.close(file)
PYTHON
