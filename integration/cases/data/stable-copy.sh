#!/usr/bin/env bash
# M3: the legs get one stable copy of the payload: they stay equal when the caller changes its
# buffer while the write is under way (one leg is slow, to widen the window).
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 256K
first=$LEG
slow_leg b 256K 20
mount_volume "$first" "$LEG"
python3 - "$VOL" <<'PYTHON'
import mmap, os, sys, threading, time
file = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
buffer = mmap.mmap(-1, 64 << 10)
stop = False
def scribble():
    value = 0
    while not stop:
        value = (value + 1) % 256
        buffer[:] = bytes([value]) * len(buffer)
        time.sleep(0.0002)
scribbler = threading.Thread(target=scribble)
scribbler.start()
for turn in range(40):
    os.pwritev(file, [buffer], (turn % 4) * len(buffer))
stop = True
scribbler.join()
PYTHON
unmount
assert_same a.img b.img
