#!/usr/bin/env bash
# transport: uring where the kernel has FUSE over io_uring, else dev, silently; dev is dev.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"
unset MIRRORFS_TRANSPORT

file_leg a 4M
first=$LEG
file_leg b 4M
random_file source $((4 << 20))

# used_transport [OPTION...]: mounts, copies, and says how requests arrived.
used_transport() {
  rm -f "$LOG"
  mount_config "$@"
  cp source "$VOL"
  assert_same source "$VOL"
  unmount
  sed -n 's/.* mounted .* transport=\([a-z]*\).*/\1/p' "$LOG"
}

config_for transport=uring "$first" "$LEG"
assert_equal dev "$(used_transport --transport dev)"
allow_ring N
assert_equal dev "$(used_transport)" "where the kernel has none"
allow_ring Y
assert_equal uring "$(used_transport)"
assert_equal uring "$(used_transport --transport uring)"
assert_fails "$MIRRORFS" mount "$CONFIG" "$MNT" --log "$LOG" --transport nonsense
assert_legs_equal source "$first" "$LEG"
