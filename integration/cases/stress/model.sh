#!/usr/bin/env bash
# F1 to F6: random operations of every kind against a model in memory, for some seconds, on a leg
# set of a file and a block device, and at the end the legs are equal. SEED and SECONDS are settable.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_loop
file_leg a 4M
first=$LEG
loop_leg b 4M
mount_volume read_policy=round-robin "$first" "$LEG"
python3 "$LIB/model.py" --seed "${SEED:-$RANDOM}" --seconds "${SECONDS_EACH:-12}" "$VOL"
assert_state AA 0x0 in-sync
unmount
assert_same a.img b.img
