#!/usr/bin/env bash
# Interface: the config, the mount point and the log may be given as relative paths.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

mkdir mnt sub
truncate -s 1M sub/leg
printf 'version: 1\nstate_directory: %s\nvolumes:\n  vol:\n    initial_sync: assume-in-sync\n    legs: [{path: leg}]\n' "$WORK/state" >sub/c.yaml
defer unmount_at_end "$MNT"
"$MIRRORFS" mount sub/c.yaml mnt --log sub/relative.log
mounted "$MNT"
write_sectors mnt/vol 1 1 x
"$MIRRORFS" umount mnt
wait_until 10 not_mounted "$MNT"
assert_equal x "$(bytes_of sub/leg 512 1)"
