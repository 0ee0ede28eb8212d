#!/usr/bin/env bash
# F4, M7: concurrent writes to neighbouring bytes of the same sectors lose nothing, and the legs
# stay equal: the read-modify-write of a ragged edge is under the range lock.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need fio
slow_leg a 64K 2 # the slower the write, the longer another one can read what is outdated
first=$LEG
file_leg b 64K
mount_volume "$first" "$LEG"
python3 - "$VOL" <<'PYTHON'
import os, sys
WRITERS, ROUNDS, SLOT = 8, 60, 61
def slot(writer, turn):
    return bytes([1 + (writer * 31 + turn) % 255]) * SLOT
children = []
for writer in range(WRITERS):
    child = os.fork()
    if child == 0:
        file = os.open(sys.argv[1], os.O_RDWR | (os.O_DIRECT if writer % 4 else 0))
        for turn in range(ROUNDS):
            for place in (writer * SLOT, 4000 + writer * SLOT):
                assert os.pwrite(file, slot(writer, turn), place) == SLOT
        os._exit(0)
    children.append(child)
for child in children:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
file = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT)
lost = [(w, p) for w in range(WRITERS) for p in (w * SLOT, 4000 + w * SLOT)
        if os.pread(file, SLOT, p) != slot(w, ROUNDS - 1)]
assert not lost, f"lost updates (writer, byte): {lost}"
PYTHON

# Blocks of 1000 bytes, 32 in flight: each sector belongs to two blocks.
for seed in 1 2 3; do
  fio --name=ragged --filename="$VOL" --filesize=64000 --bs=1000 --rw=randwrite --direct=1 \
    --ioengine=libaio --iodepth=32 --verify=crc32c --verify_fatal=1 --do_verify=1 --randseed=$seed \
    --fallocate=none --allow_file_create=0 --output-format=terse >fio.out 2>&1 || fail "lost updates: $(cat fio.out)"
done
unmount
assert_same a.img b.img
