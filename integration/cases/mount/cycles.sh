#!/usr/bin/env bash
# Acceptance: mounts and unmounts of a small config leak nothing: no process, no mount, no
# descriptor of ours, no file. CYCLES of them (default 25; a campaign takes 1000).
# time-limit: 1800
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 256K
first=$LEG
file_leg b 256K
config_for "$first" "$LEG"
mount_config
unmount
# counted: what could leak, as numbers.
counted() {
  echo "$(mounts_below "$WORK" | wc -l) mounts, $(daemons | wc -l) processes," \
    "$(find "$WORK" | wc -l) files, $(find "/proc/$$/fd" | wc -l) descriptors"
}
before=$(counted)
for ((cycle = 1; cycle <= ${CYCLES:-25}; cycle++)); do
  "$MIRRORFS" mount "$CONFIG" "$MNT" --log "$LOG" || fail "cycle $cycle"
  printf '%d' "$cycle" >"$VOL"
  assert_equal "$cycle" "$(head -c "${#cycle}" "$VOL")" "cycle $cycle"
  "$MIRRORFS" umount "$MNT" || fail "cycle $cycle: umount"
  wait_until 10 no_daemon || fail "cycle $cycle: the process lives on"
done
assert_equal "$before" "$(counted)" "after ${CYCLES:-25} mounts"
assert_same a.img b.img
