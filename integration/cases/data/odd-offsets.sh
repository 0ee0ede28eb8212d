#!/usr/bin/env bash
# F4: pwrite and pread of any offset and length, through the page cache and with O_DIRECT.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M x
first=$LEG
file_leg b 1M x
mount_volume "$first" "$LEG"
python3 - "$VOL" <<'PYTHON'
import os, random, sys
size = 1 << 20
model = bytearray(b"x" * size)
random.seed(4)
for flags in (0, os.O_DIRECT):
    file = os.open(sys.argv[1], os.O_RDWR | flags)
    for turn in range(400):
        first = random.randrange(size)
        count = min(random.choice([1, 2, 511, 512, 513, 1000, 4095, 4097, 9999, 70001]), size - first)
        data = os.urandom(count)
        assert os.pwrite(file, data, first) == count, (flags, first, count)
        model[first : first + count] = data
        first = random.randrange(size)
        count = min(random.randrange(1, 20000), size - first)
        assert os.pread(file, count, first) == model[first : first + count], (flags, turn, first, count)
    os.close(file)
open("expected", "wb").write(model)
PYTHON
assert_same expected "$VOL"
unmount
assert_legs_equal expected "$first" "$LEG"
