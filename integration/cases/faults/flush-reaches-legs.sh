#!/usr/bin/env bash
# M8, F5: fsync, fdatasync, O_SYNC and O_DSYNC writes and msync reach every leg as a flush.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

scripted_leg a 1M
first=$LEG
scripted_leg b 1M
mount_volume "$first" "$LEG"
flushes() { grep -c '^flush' "$1.requests" || true; }
python3 - "$VOL" "$WORK" <<'PYTHON'
import mmap, os, sys
path, work = sys.argv[1:]
def flushes():
    return [open(f"{work}/{leg}.requests").read().count("flush") for leg in "ab"]
file = os.open(path, os.O_RDWR)
mapping = mmap.mmap(file, 65536)
def mapped():
    mapping[100] = 1
    mapping.flush()
def opened(flag):
    other = os.open(path, os.O_RDWR | flag)
    os.pwrite(other, b"x" * 700, 33)
    os.close(other)
ways = {
    "fsync": lambda: (os.pwrite(file, b"y", 5), os.fsync(file)),
    "fdatasync": lambda: (os.pwrite(file, b"y", 5), os.fdatasync(file)),
    "O_SYNC": lambda: opened(os.O_SYNC),
    "O_DSYNC": lambda: opened(os.O_DSYNC),
    "O_DIRECT | O_DSYNC": lambda: opened(os.O_DIRECT | os.O_DSYNC),
    "msync": mapped,
}
for name, way in ways.items():
    before = flushes()
    way()
    after = flushes()
    assert all(b < a for b, a in zip(before, after)), f"{name}: flushes {before} -> {after}"
PYTHON
