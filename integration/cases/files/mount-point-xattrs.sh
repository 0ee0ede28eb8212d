#!/usr/bin/env bash
# Interface: the mount point's state is the worst of its volumes', and degraded names them.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

for leg in a b; do file_leg $leg 1M; done
leg_with_errors c 1M
first=$LEG
leg_with_errors d 1M
write_config <<CONFIG
volumes:
  good: {initial_sync: assume-in-sync, legs: [{path: "$WORK/a.img"}, {path: "$WORK/b.img"}]}
  bad: {initial_sync: assume-in-sync, legs: [{path: "$first"}, {path: "$LEG"}]}
CONFIG
mount_config
assert_equal in-sync "$(xattr "$MNT" state)"
assert_equal "" "$(xattr "$MNT" degraded 2>/dev/null || true)"
fail_writes d
write_sectors "$MNT/bad" 8 8 x
assert_equal degraded "$(xattr "$MNT" state)"
assert_equal bad "$(xattr "$MNT" degraded)"
assert_equal in-sync "$(state "$MNT/good")"
fail_writes c
assert_fails write_sectors "$MNT/bad" 16 8 x
assert_equal failed "$(xattr "$MNT" state)"
write_sectors "$MNT/good" 8 8 x
assert_match 'user.mirrorfs.state="failed"' "$(getfattr --absolute-names -d "$MNT")"
