#!/usr/bin/env bash
# Acceptance: opening, reading, writing, locking, asking for xattrs and failing leak nothing in the
# process: descriptors, threads and memory come to rest.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M
first=$LEG
leg_with_errors b 1M
mount_volume "$first" "$LEG"
process=$(daemons)
work() {
  local turn
  for ((turn = 0; turn < $1; turn++)); do
    fail_writes b
    head -c 5000 /dev/zero | dd of="$VOL" bs=1000 conv=notrunc status=none
    mend_writes b
    head -c 5000 /dev/zero | dd of="$VOL" bs=1000 conv=notrunc,fsync status=none
    letters >/dev/null
    ls -l "$MNT" >/dev/null
  done
}
# Threads of the kernel (iou-wrk-...) come and go as io_uring needs them: they are not counted.
threads() { cat "/proc/$process"/task/*/comm | grep -vc ^iou-wrk; }
descriptors() { find "/proc/$process/fd" -mindepth 1 | wc -l; }
memory() { awk '/^VmRSS/ { print $2 }' "/proc/$process/status"; }
# What is made when it is first needed (a ring for each worker) stops growing; a leak does not.
held="" settled=0
for _ in {1..20}; do
  work 25
  before=$held memory_before=${memory:-0}
  held="$(threads) threads, $(descriptors) descriptors" memory=$(memory)
  if [ "$held" = "$before" ]; then settled=$((settled + 1)); else settled=0; fi
  [ "$settled" -lt 3 ] || break
done
[ "$settled" -ge 3 ] || fail "still growing after 500 turns: $before, then $held"
[ "$memory" -lt $((memory_before + 1024)) ] || fail "memory grew from $memory_before to $memory KiB in 25 turns"
