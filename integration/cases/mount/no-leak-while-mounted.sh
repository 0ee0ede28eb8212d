#!/usr/bin/env bash
# Acceptance: opening, reading, writing, locking, asking for xattrs and failing leak nothing in the
# process: descriptors and threads stay as they were, memory stays about the same.
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
threads() { find "/proc/$process/task" -mindepth 1 -maxdepth 1 | wc -l; }
descriptors() { find "/proc/$process/fd" -mindepth 1 | wc -l; }
memory() { awk '/^VmRSS/ { print $2 }' "/proc/$process/status"; }
work 20
before="$(threads) threads, $(descriptors) descriptors" memory=$(memory)
work 60
assert_equal "$before" "$(threads) threads, $(descriptors) descriptors"
[ "$(memory)" -lt $((memory + 8192)) ] || fail "memory grew from $memory to $(memory) KiB"
