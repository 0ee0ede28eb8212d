#!/usr/bin/env bash
# F5: shared writable mappings: what is stored shows in read(), reaches the legs at msync, and two
# mappings see each other; a mapping of a file that is also written directly stays right.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M
first=$LEG
file_leg b 1M
mount_volume "$first" "$LEG"
python3 - "$VOL" <<'PYTHON'
import mmap, os, random, sys
size, path = 1 << 20, sys.argv[1]
file, other = os.open(path, os.O_RDWR), os.open(path, os.O_RDWR)
one, two = mmap.mmap(file, size), mmap.mmap(other, size)
model = bytearray(size)
random.seed(5)
for turn in range(300):
    first = random.randrange(size - 5000)
    data = os.urandom(random.randrange(1, 5000))
    target = random.choice([one, two])
    if turn % 3:
        target[first : first + len(data)] = data
    else:
        os.pwrite(file, data, first)
    model[first : first + len(data)] = data
    assert two[first : first + len(data)] == data == one[first : first + len(data)]
    assert os.pread(other, len(data), first) == data
one.flush()
os.fsync(file)
direct = os.open(path, os.O_RDONLY | os.O_DIRECT)
buffer = mmap.mmap(-1, size)
assert os.preadv(direct, [buffer], 0) == size and buffer[:] == model
private = mmap.mmap(file, size, flags=mmap.MAP_PRIVATE)
private[0:4] = b"mine"
assert one[0:4] == model[0:4]
open("expected", "wb").write(model)
PYTHON
assert_same expected "$VOL"
sync "$VOL"
assert_legs_equal expected a.img b.img
