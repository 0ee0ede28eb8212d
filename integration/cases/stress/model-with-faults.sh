#!/usr/bin/env bash
# M1, M3, M4, M8: as model, while one leg at a time fails and recovers at random: every read is
# right all the time; at the end, all rewritten and flushed, the legs are equal and in sync.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

for policy in round-robin primary; do
  leg_with_errors "a.$policy" 1M
  first=$LEG
  leg_with_errors "b.$policy" 1M
  mount_volume read_policy=$policy "$first" "$LEG"
  python3 "$LIB/model.py" --seed "${SEED:-$RANDOM}" --seconds "${SECONDS_EACH:-12}" \
    --fault "$WORK/a.$policy.fail-writes" --fault "$WORK/a.$policy.fail-reads" "$VOL"
  cp "$VOL" whole
  dd if=whole of="$VOL" bs=64k oflag=direct conv=notrunc,fsync status=none
  control clear-errors
  assert_state AA 0x0 in-sync
  unmount
  assert_same "a.$policy.img" "b.$policy.img"
  assert_same whole "a.$policy.img"
done
