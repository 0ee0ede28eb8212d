#!/usr/bin/env bash
# F1, F2, F5: the size is fixed, so a mapping outlives a truncation: nobody has to ask for the size
# before the bytes behind the cut can be used again; they are zeroes and writable, no SIGBUS. (The
# kernel drops cached pages only for a size that has shrunk, so for a moment it may believe in one.)
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M
first=$LEG
file_leg b 1M
mount_volume "$first" "$LEG"
for way in ftruncate O_TRUNC; do
  python3 - "$VOL" $way <<'PYTHON' || fail "$way: a mapping does not survive"
import mmap, os, sys, time
size, path = 1 << 20, sys.argv[1]
file = os.open(path, os.O_RDWR)
os.pwrite(file, b"x" * size, 0)
mapping = mmap.mmap(file, size)
assert mapping[size - 1] == ord("x")
if sys.argv[2] == "ftruncate":
    os.ftruncate(file, 4096)
else:
    os.open(path, os.O_WRONLY | os.O_TRUNC)
time.sleep(0.3)
assert mapping[size - 1] == 0 and mapping[500_000] == 0
mapping[size - 2] = ord("y")
mapping.flush()
assert os.pread(file, 2, size - 2) == b"y\0"
PYTHON
  assert_equal 1048576 "$(stat -c %s "$VOL")" size
  sync "$VOL"
  assert_legs_equal "$VOL" "$first" "$LEG"
done
