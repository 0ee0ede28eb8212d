#!/usr/bin/env bash
# Acceptance: fio verify with direct=1 and iodepth=32, and through the page cache; legs equal.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need fio
file_leg a 64M
first=$LEG
file_leg b 64M
mount_volume "$first" "$LEG"
# verified FIO_ARGUMENT...
verified() {
  fio --name=v --filename="$VOL" --size=64m --verify=crc32c --verify_fatal=1 --do_verify=1 \
    --randseed=7 --output-format=terse --fallocate=none --allow_file_create=0 "$@" >fio.out 2>&1 ||
    fail "fio $*: $(cat fio.out)"
}
verified --rw=randwrite --bs=4k --direct=1 --ioengine=libaio --iodepth=32
verified --rw=write --bs=1m --direct=1 --ioengine=libaio --iodepth=8
verified --rw=randwrite --bsrange=512-64k --blockalign=512 --direct=1 --ioengine=psync --io_size=32m
verified --rw=randwrite --bs=16k --direct=0 --ioengine=psync --fsync=64
verified --rw=randwrite --bs=8k --ioengine=mmap --io_size=16m
assert_state AA 0x0 in-sync
unmount
assert_same a.img b.img
