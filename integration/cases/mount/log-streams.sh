#!/usr/bin/env bash
# Interface, log: in the foreground the lines go to stderr, with --log to the file, appended.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M
first=$LEG
leg_with_errors b 1M
config_for "$first" "$LEG"
mkdir "$MNT"
defer unmount_at_end "$MNT"
fail_writes b
for where in stderr file; do
  arguments=()
  [ $where = stderr ] || arguments=(--log "$LOG")
  echo "an earlier line" >"$LOG"
  "$MIRRORFS" mount "$CONFIG" "$MNT" --foreground "${arguments[@]}" 2>err &
  process=$!
  defer end_process "$process"
  wait_until 10 mounted "$MNT"
  write_sectors "$VOL" 16 8 x
  "$MIRRORFS" umount "$MNT"
  wait "$process"
  [ $where = file ] || cp err "$LOG"
  assert_one_log_line volume=vol leg=1 state=write-failed error_bits=0x2 legs=AD errno=EIO first_sector=16 sector_count=8
  [ $where = stderr ] || assert_one_log_line "an earlier line"
done
