#!/usr/bin/env bash
# M4, M8, M9, M10: writers, a leg that fails now and then, kill -9 at any moment: every acknowledged
# write reads back, what was read once stays, and recovered legs are equal byte for byte.
# CRASH_ROUNDS and CRASH_SEED: how many rounds, and which.
# time-limit: 1500
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need python3
leg_with_errors a 2M
bad=$LEG
file_leg b 2M
# Slow recovery, and reads that would come from either leg: what must not show gets its chance.
config_for chunk=64KiB read_policy=round-robin resync_rate=8MiB intent="${CRASH_INTENT:-durable}" \
  "$bad" "$LEG"
mkdir -p "$MNT"
defer unmount_at_end "$MNT"
python3 "$LIB/crash.py" "${CRASH_ROUNDS:-20}" "${CRASH_SEED:-$RANDOM}" "$MIRRORFS" "$CONFIG" \
  "$MNT" "$LOG" "$WORK/a.img,$WORK/b.img" "$WORK/a.fail-writes"
unmount
