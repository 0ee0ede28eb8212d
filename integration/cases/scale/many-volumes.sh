#!/usr/bin/env bash
# A mount of 500 volumes: each costs little memory and three descriptors, the limit of open files is
# raised for it or said to be too low, and one of them is as fast as if it were alone.
# time-limit: 300
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"
need fio

# many FIRST LAST: a config of these volumes.
many() {
  local number leg
  {
    echo volumes:
    for ((number = $1; number <= $2; number++)); do
      printf '  v%d:\n    initial_sync: assume-in-sync\n    legs:\n' "$number"
      for leg in 0 1; do
        truncate -s 1M "$WORK/$number.$leg"
        printf '      - path: "%s"\n' "$WORK/$number.$leg"
      done
    done
  } | write_config
}
resident() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$(daemons)/status"; }
many 1 1
mount_config
alone=$(iops "$MNT/v1" write 4)
small=$(resident)
unmount
many 1 500
(
  ulimit -Sn 1200
  mount_config
)
assert_equal 500 "$(find "$MNT" -name 'v*' | wc -l)"
large=$(resident)
[ "$(id -u)" -ne 0 ] || assert_ratio 50 "$(iops "$MNT/v250" write 4)" "$alone" "one of many is slow"
[ $((large - small)) -lt 20000 ] || fail "500 volumes take $((large - small)) KiB"
# A look at one volume costs nothing for the others: the daemon sleeps.
used() { cut -d ' ' -f 14,15 "/proc/$(daemons)/stat" | tr ' ' +; }
began=$(($(used)))
sleep 3
[ $(($(used) - began)) -lt 30 ] || fail "busy while idle: $(($(used) - began)) ticks in 3 s"
unmount
assert_equal 0 "$(find "$WORK/state" -name '*.new' | wc -l)"
