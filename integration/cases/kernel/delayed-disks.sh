#!/usr/bin/env bash
# M3 on slow disks (dm-delay on both legs): a write takes one delay, not one for each leg.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

in_uml dm-delay
dm s0 "0 65536 delay /dev/ram0 0 0 /dev/ram0 0 100"
dm s1 "0 65536 delay /dev/ram1 0 0 /dev/ram1 0 100"
# milliseconds COUNT: for so many writes, one after the other.
milliseconds() {
  local start index
  start=$(date +%s%N)
  for ((index = 0; index < $1; index++)); do write_sectors "$VOL" $((index * 8)) 8 w; done
  echo $((($(date +%s%N) - start) / 1000000))
}
mount_volume intent=off /dev/mapper/s0
one=$(milliseconds 20)
unmount
rm -rf "$STATE_DIRECTORY"
mount_volume intent=off /dev/mapper/s0 /dev/mapper/s1
two=$(milliseconds 20)
unmount
echo "20 writes: $one ms on one leg, $two ms on two"
[ "$one" -ge 2000 ] || fail "the delay does not work"
[ $((two * 10)) -lt $((one * 16)) ] || fail "two legs take $two ms, one takes $one ms"
cmp /dev/ram0 /dev/ram1
