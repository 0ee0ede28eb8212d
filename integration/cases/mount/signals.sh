#!/usr/bin/env bash
# Interface: SIGTERM and SIGINT flush, unmount and end with 0, in the foreground and in the
# background, idle and while a file is held open.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

scripted_leg a 1M
# start: in the foreground; SIGINT is not ignored, as it is in a shell's background jobs.
start() {
  env --default-signal=INT,TERM "$MIRRORFS" mount "$CONFIG" "$MNT" --foreground --log "$LOG" &
  process=$!
  defer end_process "$process"
  wait_until 10 mounted "$MNT"
}
ended() {
  local status=0
  wait_until 10 gone "$process" || fail "still running after SIG$1"
  wait "$process" || status=$?
  assert_equal 0 "$status" "exit status after SIG$1"
  not_mounted "$MNT" || fail "still mounted after SIG$1"
}
config_for "$LEG"
mkdir "$MNT"
defer unmount_at_end "$MNT"
for signal in TERM INT; do
  start
  write_sectors "$VOL" 5 1 x
  : >a.requests
  kill -s $signal "$process"
  ended $signal
  grep -q '^flush' a.requests || fail "no flush at SIG$signal"
done

# Held open: the mount point is free at once, the process goes when the file is closed, or before.
start
exec {file}<"$VOL"
kill -TERM "$process"
wait_until 10 not_mounted "$MNT" || fail "busy: still mounted after SIGTERM"
exec {file}<&-
ended TERM

mount_config
process=$(daemons)
kill -TERM "$process"
wait_until 10 not_mounted "$MNT" || fail "background: still mounted after SIGTERM"
wait_until 10 gone "$process" || fail "background: still running after SIGTERM"
