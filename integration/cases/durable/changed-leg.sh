#!/usr/bin/env bash
# M17: a leg that somebody else wrote to, or put another file in the place of, is noticed at mount, and
# not read nor overwritten until somebody asks.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

for how in written swapped; do
  file_leg a.$how 1M a
  first=$LEG
  file_leg b.$how 1M a
  rm -rf "$STATE_DIRECTORY/volumes"
  mount_volume read_policy=round-robin "$first" "$LEG"
  write_sectors "$VOL" 7 1 n
  unmount
  sleep 0.02
  case $how in
    written) write_sectors "$LEG" 7 1 x ;;
    swapped) filled_with s 1048576 >other && mv other "$LEG" ;;
  esac
  sum=$(sha256sum <"$LEG")
  mount_config
  assert_match "leg=1 leg_is=changed" "$(grep leg_is= "$LOG" | tail -n 1)" $how
  assert_state AS 0x2 degraded
  for _ in 1 2 3 4; do assert_equal n "$(sector_byte "$VOL" 7)" $how; done
  # Neither by background work nor by what is written to the volume, in this mount and the next.
  write_sectors "$VOL" 100 1 q
  sync "$VOL"
  unmount
  mount_config
  write_sectors "$VOL" 200 1 q
  fallocate --punch-hole --offset 4096 --length 4096 "$VOL"
  sync "$VOL"
  sleep 1
  assert_state AS 0x2 degraded
  assert_equal "$sum" "$(sha256sum <"$LEG")" "$how: overwritten unasked"
  assert_match "nothing is copied to .* before you say so" "$("$MIRRORFS" status "$VOL" || true)"
  assert_match '"held":true' "$("$MIRRORFS" status --json "$VOL" || true)"
  control resync
  wait_until 10 has_letters AA
  unmount
  assert_same "$first" "$LEG"
done
# Nor is one that the config has anew and that was there, whatever the quorum: too few legs are an error.
file_leg old 1M o
sum=$(sha256sum <"$LEG")
config_for write_quorum=2 "$first" "$LEG"
mount_config
assert_match "leg=1 leg_is=new" "$(grep leg_is= "$LOG" | tail -n 1)"
assert_fails write_sectors "$VOL" 100 1 z
sync "$VOL" || true
assert_equal "$sum" "$(sha256sum <"$LEG")" "new: overwritten unasked"
control resync
wait_until 10 has_letters AA
write_sectors "$VOL" 100 1 z
unmount
assert_same "$first" "$LEG"
LEG=$WORK/b.swapped.img
rm -rf "$STATE_DIRECTORY/volumes"
# The only good copy may not be missing.
mount_volume "$first" "$LEG"
control 'fail 1'
write_sectors "$VOL" 7 1 q
unmount
file_leg c 1M
config_for "$WORK/b.swapped.img" "$LEG"
assert_fails_with "up to date on none of these legs" "$MIRRORFS" mount "$CONFIG" "$MNT" --log "$LOG"
