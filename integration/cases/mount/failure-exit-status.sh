#!/usr/bin/env bash
# Interface: `mount` is non-zero when it failed, says why on stderr, leaves nothing mounted and no
# process, in the background and in the foreground.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M
config_for "$LEG"
# fails REGEX CONFIG MOUNT_POINT [OPTION...]
fails() {
  local pattern=$1
  shift
  assert_fails_with "$pattern" timeout 20 "$MIRRORFS" mount "$@" --log "$LOG"
  [ "$STATUS" -ne 124 ] || fail "mount hung: $*"
  assert_fails_with "$pattern" timeout 20 "$MIRRORFS" mount "$@" --foreground --log "$LOG"
  [ "$STATUS" -ne 124 ] || fail "mount hung: $*"
  wait_until 5 no_daemon "$2" || fail "a process is left: $(daemons "$2")"
}
fails "$WORK/absent" "$CONFIG" "$WORK/absent"
touch plain
fails "$WORK/plain" "$CONFIG" "$WORK/plain"
mkdir "$MNT"
fails "absent.yaml" "$WORK/absent.yaml" "$MNT"
fails "nonsense" "$CONFIG" "$MNT" -o nonsense_option
touch "$WORK/not-a-directory"
STATE_DIRECTORY=$WORK/not-a-directory/state
config_for "$LEG"
fails "state" "$CONFIG" "$MNT"
not_mounted "$MNT"
STATE_DIRECTORY=$WORK/state
mount_volume "$LEG" # and the leg is not left locked
