#!/usr/bin/env bash
# M4: a leg that missed a write is not read there after a remount either, nor after kill -9; then it
# is resynced, and the legs are equal. (What QEMU's quorum gets wrong.)
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

for how in unmount crash; do
  leg_with_errors a.$how 1M
  bad=$LEG
  file_leg b.$how 1M
  rm -rf "$STATE_DIRECTORY/volumes"
  mount_volume read_policy=primary "$bad" "$LEG"
  write_sectors "$VOL" 0 2048 o
  fail_writes a.$how
  write_sectors "$VOL" 1000 16 n
  $how
  mend_writes a.$how
  mount_config
  control pause
  assert_equal n "$(sector_byte "$VOL" 1000)" "$how: at once"
  # kill -9 leaves the exact sectors, too.
  wait_until 5 is_idle || true
  control resume
  wait_until 20 has_letters AA || fail "$how: not resynced: $(letters), $(xattr "$VOL" progress)"
  assert_equal n "$(sector_byte "$VOL" 1000)" "$how: resynced"
  assert_equal n "$(sector_byte "$WORK/a.$how.img" 1015)" "$how: on the leg"
  assert_equal 0x1 "$(xattr "$VOL" error_bits_seen)" "$how: error_bits_seen survives"
  control clear-errors
  unmount
  assert_same "a.$how.img" "b.$how.img"
done
