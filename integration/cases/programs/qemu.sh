#!/usr/bin/env bash
# Acceptance: qemu-io patterns, cached and direct; qemu-img convert, compare and map.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need qemu-io qemu-img
file_leg a 16M
first=$LEG
file_leg b 16M
mount_volume "$first" "$LEG"
for cache in writeback none directsync; do
  qemu-io -f raw -t $cache \
    -c 'write -P 0xaa 0 64k' -c 'write -P 0xbb 65536 512' -c 'write -P 0xcc 1M 3M' \
    -c 'write -z 2M 64k' -c 'aio_write -P 0xdd 8M 1M' -c 'aio_write -P 0xee 10M 1M' -c aio_flush \
    -c 'discard 3M 64k' -c flush \
    -c 'read -P 0xaa 0 64k' -c 'read -P 0xbb 65536 512' -c 'read -P 0xcc 1M 1M' -c 'read -P 0 2M 64k' \
    -c 'read -P 0xdd 8M 1M' -c 'read -P 0xee 10M 1M' "$VOL" >out 2>&1 || fail "qemu-io -t $cache: $(cat out)"
  if grep -qiE 'verification failed|error' out; then fail "qemu-io -t $cache: $(cat out)"; fi
done
qemu-img create -q -f qcow2 source.qcow2 16M
qemu-io -f qcow2 -c 'write -P 0x77 5M 2M' source.qcow2 >/dev/null
qemu-img convert -n -f qcow2 -O raw source.qcow2 "$VOL"
qemu-img compare -q -f qcow2 -F raw source.qcow2 "$VOL" || fail "qemu-img compare"
qemu-img map --output=json -f raw "$VOL" >/dev/null
unmount
assert_same a.img b.img
qemu-img compare -q -f qcow2 -F raw source.qcow2 a.img || fail "leg 0"
