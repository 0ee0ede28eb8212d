#!/usr/bin/env bash
# M12, M1: reads of a leg that hangs come from the other after the deadline, and what the hung leg
# brings late never gets into what a reader is given.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"
need fio

healthy_leg a 16M
first=$LEG
file_leg b 16M
mount_volume "$first,deadline=300ms" "$LEG"
fio_job() {
  fio --name=job --filename="$VOL" --size=16M --direct=1 --bs=64k --verify=crc32c \
    --verify_fatal=1 --output=fio.out "$@" || fail "fio: $(cat fio.out)"
}
fio_job --rw=write --do_verify=0
for _ in 1 2 3; do
  hang a
  # Eight readers meet the hung leg; it answers in their midst.
  (sleep 0.6 && unhang a) &
  waker=$!
  fio_job --rw=randread --verify_only --numjobs=8 --ioengine=psync --group_reporting
  wait "$waker"
  wait_until 20 has_letters AA
done
assert_equal "" "$(xattr "$VOL" leg.0.stale)" "a slow read makes nothing stale"
unmount
assert_same a.img b.img
