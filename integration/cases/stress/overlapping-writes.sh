#!/usr/bin/env bash
# M7: 8 jobs of overlapping writes: whatever wins, the legs are equal afterwards; with a slow leg
# as well, and with parallel truncation and zeroing.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need fio
# storm SIZE SECONDS: 8 jobs on the same bytes, direct and buffered, with holes punched meanwhile.
storm() {
  local jobs=("--filename=$VOL" "--size=$1" --time_based "--runtime=$2" --numjobs=4 --fallocate=none
    --allow_file_create=0 --norandommap --output-format=terse)
  fio "${jobs[@]}" --name=direct --rw=randwrite --bsrange=512-64k --blockalign=512 --direct=1 \
    --ioengine=libaio --iodepth=4 --name=buffered --rw=randwrite --bsrange=1-9k --blockalign=1 \
    --direct=0 --ioengine=psync "${jobs[@]}" >fio.out 2>&1 &
  local fio=$!
  while kill -0 "$fio" 2>/dev/null; do
    fallocate -p -o $((RANDOM * 8)) -l 70000 "$VOL"
    truncate -s $((RANDOM * 8)) "$VOL"
    sleep 0.3
  done
  wait "$fio" || fail "fio: $(cat fio.out)"
}
file_leg a 1M
first=$LEG
file_leg b 1M
file_leg c 1M
mount_volume "$first" "$WORK/b.img" "$LEG"
storm 1m 8
assert_equal AAA "$(letters)"
unmount
assert_same a.img b.img
assert_same a.img c.img

slow_leg d 256K 3
truncate -s 256K a.img
mount_volume "$first" "$LEG"
storm 256k 4
unmount
assert_same a.img d.img
