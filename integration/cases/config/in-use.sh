#!/usr/bin/env bash
# S: a leg or a state directory in use by another mirrorfs is refused, files and block devices; the
# first mount is not disturbed; after it is gone the second succeeds.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M
first=$LEG
file_leg b 1M
second=$LEG
mount_volume "$first" "$second"
write_sectors "$VOL" 0 8 o
held=$MNT held_config=$CONFIG
MNT=$WORK/mnt2 CONFIG=$WORK/config2.yaml LOG=$WORK/second.log
mkdir "$MNT"

file_leg c 1M
config_for "$LEG" # other legs, the same state directory
assert_fails_with "state" "$MIRRORFS" mount "$CONFIG" "$MNT" --log "$LOG"
not_mounted "$MNT"

STATE_DIRECTORY=$WORK/state2
config_for "$LEG" "$second" # an own state directory, a leg that is taken
assert_fails_with "in use|another mirrorfs|locked" "$MIRRORFS" mount "$CONFIG" "$MNT" --log "$LOG"
assert_match "b\.img" "$SAID" "the leg is named"
not_mounted "$MNT"
ln -s "$second" link.img
config_for "$LEG" "$WORK/link.img"
assert_fails_with "in use|another mirrorfs|locked" "$MIRRORFS" mount "$CONFIG" "$MNT" --log "$LOG"

if [ "$(id -u)" -eq 0 ] && losetup -f >/dev/null 2>&1; then
  loop_leg d 1M
  config_for "$LEG"
  mount_config
  MNT=$WORK/mnt3 CONFIG=$WORK/config3.yaml STATE_DIRECTORY=$WORK/state3
  mkdir "$MNT"
  config_for "$LEG"
  assert_fails_with "in use|busy|another mirrorfs" "$MIRRORFS" mount "$CONFIG" "$MNT" --log "$LOG"
  not_mounted "$MNT"
  unmount "$WORK/mnt2"
fi
write_sectors "$held/vol" 0 8 p
assert_state AA 0x0 in-sync "$held/vol"
unmount "$held"
MNT=$WORK/mnt4 CONFIG=$held_config
mount_config
assert_equal p "$(sector_byte "$MNT/vol" 3)"
