#!/usr/bin/env bash
# M10: background work of many volumes at once is done by a bounded number of threads, and all of it.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

count=300
mkdir legs
{
  echo volumes:
  for ((number = 0; number < count; number++)); do
    random_file "legs/$number.0" 65536
    truncate -s 65536 "legs/$number.1"
    printf '  vol%d:\n    initial_sync: first-leg\n    legs:\n' "$number"
    leg_lines "$WORK/legs/$number.0" "$WORK/legs/$number.1"
  done
} | write_config
mount_config
process=$(daemons "$MNT")
most=0
all_done() {
  local threads
  threads=$(grep -lxs mirrorfs-keep "/proc/$process/task/"*/comm | wc -l)
  [ "$threads" -le "$most" ] || most=$threads
  [ "$(xattr "$MNT" state)" = in-sync ]
}
wait_until 60 all_done || fail "not done: $(xattr "$MNT" degraded)"
# 32, and some that are just ending.
[ "$most" -le 64 ] || fail "$most threads did background work"
unmount
for ((number = 0; number < count; number++)); do
  assert_same "legs/$number.0" "legs/$number.1"
done
