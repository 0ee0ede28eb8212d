#!/usr/bin/env bash
# M16, interface: `create: true` makes a leg of the volume's size on the first mount, sparse and in
# sync; `check` makes nothing; a relative path is relative to the config file.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

mkdir legs
write_config <<CONFIG
volumes:
  vol:
    size: 100MiB
    legs:
      - path: legs/a
        create: true
      - path: legs/b
        start: 8
        create: true
CONFIG
(cd / && "$MIRRORFS" check "$CONFIG")
[ ! -e legs/a ] || fail "check made a leg"
mount_config
assert_state AA 0x0 in-sync
assert_equal $((100 << 20)) "$(stat -c %s "$VOL")" size
assert_equal $((100 << 20)) "$(stat -c %s legs/a)" "size of the leg"
[ "$(stat -c %b legs/a)" -lt 2048 ] || fail "the leg is not sparse"
echo hello | dd of="$VOL" conv=notrunc status=none
unmount
assert_equal hello "$(head -c 5 legs/a)"
assert_equal hello "$(bytes_of legs/b 4096 5)"
mount_config
assert_equal hello "$(head -c 5 "$VOL")" "after a second mount"
