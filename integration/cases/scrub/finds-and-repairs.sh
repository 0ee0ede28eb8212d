#!/usr/bin/env bash
# M11: a scrub names what differs, raises no false alarm while the volume is written to, and repairs
# from the named leg or from the majority.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need fio
file_leg a 16M
first=$LEG
file_leg b 16M
mount_volume "$first" "$LEG"
touch started
fio --name=load --filename="$VOL" --size=8M --rw=randwrite --bs=4k --direct=1 --time_based \
  --runtime=60 --ioengine=psync >fio.out 2>&1 &
load=$!
defer end_process "$load"
# Not before it writes: its start takes longer than a scrub.
wait_until 20 test a.img -nt started
for _ in $(seq "${SCRUB_ROUNDS:-10}"); do
  control scrub
  wait_idle
  assert_equal none "$(xattr "$VOL" mismatches)" "a false alarm"
done
printf X | dd of=b.img bs=1 seek=$((30000 * 512 + 77)) conv=notrunc status=none
control scrub
wait_idle
assert_equal "30000+1 legs=0x3" "$(xattr "$VOL" mismatches)"
control 'scrub repair'
wait_idle
assert_equal "30000+1 legs=0x3" "$(xattr "$VOL" mismatches)" "two legs have no majority"
control 'scrub repair source=0 range=29999+2'
wait_idle
assert_equal none "$(xattr "$VOL" mismatches)"
assert_match corrected=1 "$(xattr "$VOL" leg.1.errors)"
end_process "$load"
unmount
assert_same a.img b.img

rm -r "$STATE_DIRECTORY/volumes"
cp a.img c.img
mount_volume "$WORK/a.img" "$WORK/b.img" "$WORK/c.img"
touch started
fio --name=load --filename="$VOL" --size=8M --rw=randwrite --bs=4k --direct=1 --time_based \
  --runtime=60 --ioengine=psync >fio.out 2>&1 &
load=$!
defer end_process "$load"
wait_until 20 test a.img -nt started
printf X | dd of=b.img bs=1 seek=$((30000 * 512 + 77)) conv=notrunc status=none
control 'scrub repair'
wait_idle
assert_equal none "$(xattr "$VOL" mismatches)"
assert_match corrected=1 "$(xattr "$VOL" leg.1.errors)"
end_process "$load"
unmount
assert_same a.img b.img
