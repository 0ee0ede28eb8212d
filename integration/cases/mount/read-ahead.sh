#!/usr/bin/env bash
# A mount by root has the kernel read 4 MiB ahead of a sequential reader; the file system below keeps its own number.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_root
read_ahead() { cat "/sys/class/bdi/$(mountpoint -d "$1")/read_ahead_kb" 2>/dev/null || echo none; }
below=$(df --output=target "$WORK" | tail -n 1) before=$(read_ahead "$(df --output=target "$WORK" | tail -n 1)")
truncate -s 8M a b
mount_volume "$WORK/a" "$WORK/b"
[ -w "/sys/class/bdi/$(mountpoint -d "$MNT")/read_ahead_kb" ] || skip "the number of a mount cannot be changed here"
assert_equal 4096 "$(read_ahead "$MNT")"
assert_equal "$before" "$(read_ahead "$below")"
unmount
assert_equal "$before" "$(read_ahead "$below")"
