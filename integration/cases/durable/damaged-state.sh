#!/usr/bin/env bash
# M9, M17: a state that cannot be read is said so, trusted in nothing, and never a crash: the legs are
# compared, and nothing is overwritten.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

spoil() { # FILE HOW
  case $2 in
    flip) printf '\377\376' | dd of="$1" bs=1 seek=40 conv=notrunc status=none ;;
    cut) truncate -s 50 "$1" ;;
    empty) : >"$1" ;;
    noise) head -c 700 /dev/urandom >"$1" ;;
  esac
}
file_leg a 1M
first=$LEG
file_leg b 1M
second=$LEG
write_sectors b.img 100 1 z
for how in flip cut empty noise; do
  mount_volume "$first" "$second"
  unmount
  spoil "$STATE_DIRECTORY/volumes/vol/state" $how
  sums=$(sha256sum a.img b.img)
  mount_config
  assert_match damaged "$(grep state_file= "$LOG" | tail -n 1)" "$how"
  wait_idle
  assert_equal 100+1 "$(xattr "$VOL" disputed)" "$how"
  unmount
  assert_equal "$sums" "$(sha256sum a.img b.img)" "$how: written to"
  rm -r "$STATE_DIRECTORY/volumes"
done
mount_volume "$first" "$second"
write_sectors "$VOL" 100 1 w
crash
printf '\377' | dd of="$STATE_DIRECTORY/volumes/vol/intent" bs=1 seek=600 conv=notrunc status=none
mount_config
assert_match damaged "$(grep intent_map= "$LOG" | tail -n 1)"
wait_idle
unmount
assert_same a.img b.img
