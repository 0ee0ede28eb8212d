#!/usr/bin/env bash
# S: all errors of a file are listed at once: five are shown as five, with their lines.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M
cat >"$CONFIG" <<CONFIG
version: 1
state_directory: $STATE_DIRECTORY
colour: blue
volumes:
  one:
    read_policy: sometimes
    legs:
      - path: $WORK/absent.img
  two:
    mode: rwx
    legs:
      - {path: $LEG, start: 4000}
CONFIG
assert_fails "$MIRRORFS" check "$CONFIG"
assert_equal 1 "$STATUS" "exit status"
lines=$(grep -oE 'config\.yaml:[0-9]+:[0-9]+:' <<<"$SAID" | cut -d: -f2 | sort -n | tr '\n' ' ')
assert_equal "3 6 8 10 12 " "$lines" "lines of the errors in: $SAID"
mkdir -p "$MNT"
assert_fails "$MIRRORFS" mount "$CONFIG" "$MNT" --log "$LOG"
assert_equal 5 "$(grep -cE 'config\.yaml:[0-9]+:[0-9]+:' <<<"$SAID")" "mount shows them all"
not_mounted "$MNT"
