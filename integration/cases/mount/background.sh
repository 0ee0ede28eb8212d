#!/usr/bin/env bash
# Interface: `mount` returns when the mount is ready, lets go of its standard streams, and the
# process lives on in a session of its own.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M x
config_for "$LEG"
mkdir "$MNT"
defer unmount_at_end "$MNT"
# A pipe that the daemon still held would never end.
timeout 20 bash -c '"$@" | cat' - "$MIRRORFS" mount "$CONFIG" "$MNT" --log "$LOG" >said 2>&1 || fail "mount: $(cat said)"
assert_equal x "$(head -c 1 "$MNT/vol")" "ready at once"
process=$(daemons)
assert_match '^[0-9]+$' "$process" "one process"
for descriptor in 0 1 2; do
  target=$(readlink "/proc/$process/fd/$descriptor" || echo closed)
  assert_match '^(/dev/null|closed|.*\.log)$' "$target" "descriptor $descriptor"
done
[ "$(cut -d' ' -f6 "/proc/$process/stat")" != "$(cut -d' ' -f6 "/proc/$$/stat")" ] || fail "in our session"
assert_equal / "$(readlink "/proc/$process/cwd")" "working directory"
unmount
