#!/usr/bin/env bash
# Acceptance: as ext4, with a leg failing half-way: first the second leg, then the primary; the file
# system notices nothing.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_loop
need mkfs.ext4 e2fsck
for bad in b a; do
  file_leg good 64M
  good=$LEG
  leg_with_errors $bad 64M
  legs=("$good" "$LEG")
  [ $bad = b ] || legs=("$LEG" "$good")
  mount_volume read_policy=round-robin "${legs[@]}"
  mkfs.ext4 -q -F "$VOL"
  mkdir -p fs
  defer umount "$WORK/fs"
  mount -o loop,errors=remount-ro "$VOL" fs
  random_file fs/before $((4 << 20))
  sync -f fs
  fail_writes $bad
  random_file fs/after $((8 << 20))
  cp -r /etc/default fs/
  sync -f fs
  fail_reads $bad
  random_file fs/later $((4 << 20))
  rm fs/before
  sha256sum fs/after fs/later >sum
  umount fs
  mend_writes $bad
  mend_reads $bad
  assert_equal degraded "$(state)"
  e2fsck -fn "$VOL" >/dev/null
  mount -o loop "$VOL" fs
  sha256sum -c --quiet sum
  umount fs
  unmount
  e2fsck -fn good.img >/dev/null || fail "the good leg alone is not clean"
  rm good.img
done
