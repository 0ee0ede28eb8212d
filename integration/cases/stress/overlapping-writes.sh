#!/usr/bin/env bash
# M7: 8 jobs of overlapping writes: whatever wins, the legs are equal afterwards; with a leg of
# varying speed as well, and with truncation and zeroing beside.
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
storm 1m 6
assert_equal AAA "$(letters)"
unmount
assert_same a.img b.img
assert_same a.img c.img

# A leg whose writes take this long or that, so that what is not serialised lands in another order.
# Short rounds: only the last writes of each place show.
scripted_leg d 64K
truncate -s 64K a.img
rm -r "$STATE_DIRECTORY/volumes"
mount_volume "$first" "$LEG"
for round in {1..12}; do
  fio --name=round --filename="$VOL" --size=64k --io_size=256k --rw=randwrite --bsrange=512-32k \
    --blockalign=512 --direct=1 --ioengine=libaio --iodepth=8 --numjobs=4 --norandommap --fallocate=none \
    --allow_file_create=0 --randseed="$round" --output-format=terse >fio.out 2>&1 || fail "fio: $(cat fio.out)"
  assert_same a.img d.img
done
assert_equal AA "$(letters)"
