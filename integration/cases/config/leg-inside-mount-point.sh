#!/usr/bin/env bash
# S: a leg inside the mount point itself is refused before anything is touched.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

mkdir -p "$MNT/sub"
truncate -s 1M "$MNT/sub/leg" leg
ln -s "$MNT/sub/leg" link
for path in "$MNT/sub/leg" "$WORK/link" "$WORK/../${WORK##*/}/mnt/sub/leg"; do
  config_for "$WORK/leg" "$path"
  assert_fails "$MIRRORFS" mount "$CONFIG" "$MNT" --log "$LOG"
  assert_match 'config\.yaml:[0-9]+:[0-9]+: .*(mount point|inside)' "$SAID"
  not_mounted "$MNT"
done
