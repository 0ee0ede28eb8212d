#!/usr/bin/env bash
# A mount of many volumes, hundreds, or with INTEGRATION_LONG=1 as many as the limit of open files allows and
# 10,000 whose legs are parts of two files: each costs little memory and a descriptor a leg, or none, and
# one of them is as fast as if it were alone. The limit of open files is raised, or said to be too low.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"
need fio

# many separate|shared COUNT: a config of volumes of 1 MiB, with two files each, or on parts of two files.
many() {
  python3 - "$1" "$2" "$WORK" <<'PYTHON' | write_config
import os, sys
kind, count, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
def grow(path, size):
    with open(path, "a") as file:
        file.truncate(size)
print("volumes:")
for number in range(count):
    print(f"  v{number}:\n    initial_sync: assume-in-sync\n    legs:")
    for leg in "ab":
        path, start = (f"{folder}/{number}.{leg}", 0) if kind == "separate" else (f"{folder}/{leg}.img", number * 2048)
        if kind == "separate":
            grow(path, 1 << 20)
        print(f'      - path: "{path}"\n        start: {start}\n        count: 2048')
if kind == "shared":
    for leg in "ab":
        grow(f"{folder}/{leg}.img", count << 20)
PYTHON
}
resident() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$(daemons)/status"; }
opened() { find "/proc/$(daemons)/fd" -mindepth 1 | wc -l; }
used() { cut -d ' ' -f 14,15 "/proc/$(daemons)/stat" | tr ' ' +; }
# What one is measured by: a mount of its own, there all the time.
MNT=$WORK/alone CONFIG=$WORK/alone.yaml STATE_DIRECTORY=$WORK/alone.state LOG=$WORK/alone.log
for leg in x y; do truncate -s 1M "$WORK/$leg.img"; done
config_for "$WORK/x.img" "$WORK/y.img"
mount_config
defer unmount_at_end "$WORK/mnt"
alone=$MNT/vol small=$(resident) few=$(opened)
MNT=$WORK/mnt CONFIG=$WORK/config.yaml STATE_DIRECTORY=$WORK/state LOG=$WORK/mirrorfs.log

# best_iops FILE: of a few short runs, the first of which also takes the space that they write to.
best_iops() {
  local found best=0
  for _ in 1 2; do
    found=$(iops "$1" write 4 --runtime=1)
    [ "$found" -lt "$best" ] || best=$found
  done
  echo "$best"
}

# check KIND COUNT DESCRIPTORS
check() {
  local count=$2 grown began
  many "$1" "$count"
  (
    ulimit -Sn 1200
    mount_config
  )
  grown=$(($(resident) - small))
  [ "$grown" -lt $((10000 + 16 * count)) ] || fail "$1: $count volumes take $grown KiB"
  assert_equal "$count" "$(find "$MNT" -name 'v*' | wc -l)"
  # Two workers more or less have a ring and a bell each.
  [ $(($(opened) - few)) -lt $(($3 + 40)) ] || fail "$1: $(opened) descriptors, alone $few"
  [ "$(id -u)" -ne 0 ] || assert_ratio 50 "$(best_iops "$MNT/v$((count / 2))")" "$(best_iops "$alone")" "one of many is slow"
  # A look at one volume costs nothing for the others: the daemon sleeps.
  began=$(($(used)))
  sleep 3
  [ $(($(used) - began)) -lt $((30 + count / 100)) ] || fail "busy while idle: $(($(used) - began)) ticks in 3 s"
  "$MIRRORFS" umount "$MNT"
  wait_until 120 no_daemon || fail "still running after umount"
  assert_equal 0 "$(find "$WORK/state" -name '*.new' | wc -l)"
  rm -rf "$WORK/state" "$WORK/a.img" "$WORK/b.img"
  find "$WORK" -maxdepth 1 -name "*.[ab]" -delete
}
check separate 200 400
check shared 500 2
[ -n "${INTEGRATION_LONG:-}" ] || exit 0
check shared 10000 2
if (ulimit -n 21024) 2>/dev/null; then
  check separate 10000 20000
else
  most=$(ulimit -Hn)
  many separate 10000
  assert_fails_with "ulimit -n 21024" "$MIRRORFS" mount "$CONFIG" "$MNT" --log "$LOG"
  check separate $(((most - 1024) / 2)) $((most - 1024))
fi
