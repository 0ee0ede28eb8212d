#!/usr/bin/env bash
# Interface: status, resync, scrub, fail, restore, pause, resume, rate: what they do, say and return.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

m=$MIRRORFS
file_leg a 4M
first=$LEG
file_leg b 4M
mount_volume "$first" "$LEG"
assert_equal "all volumes are in sync" "$("$m" status -x "$MNT")"
assert_match "vol: in-sync" "$("$m" status "$VOL")"
"$m" status --json "$MNT" | python3 -c 'import json,sys; d=json.load(sys.stdin); assert d["volumes"][0]["state"] == "in-sync"'
"$m" fail "$VOL" 1
write_sectors "$VOL" 10 10 x
assert_fails "$m" status "$MNT"
assert_equal 1 "$STATUS" "degraded"
assert_match "leg 1  taken-out, missed 5.0 KiB" "$SAID"
assert_match "next +.mirrorfs restore .*/vol 1. when" "$SAID"
assert_fails_with "legs AO" "$m" status -x "$MNT"
assert_fails_with "only one that holds" "$m" fail "$VOL" 0
assert_fails_with "there is no leg 7" "$m" fail "$VOL" 7
"$m" pause "$VOL"
"$m" restore "$VOL" 1
assert_fails_with "resume" "$m" resync "$VOL" --wait
"$m" resume "$VOL"
"$m" resync "$VOL" --wait
assert_state AA 0x0 in-sync
# json_of CONDITION WORD...: what the command prints is JSON `d`, for which that holds.
json_of() { "$m" "${@:2}" | python3 -c "import json, sys; d = json.load(sys.stdin); assert d['version'] == 1 and $1, d"; }
done_well="d['volume'] == '$VOL' and d['is_done'] and d['progress'] == 'none' and d['state'] == 'in-sync'"
json_of "d['work'] == 'resync' and d['legs'] == 'AA' and d['disputed'] == [] and 'leg' not in d and $done_well" \
  resync "$VOL" --wait --json
file_leg c 4M
json_of "d['work'] == 'replace' and d['leg'] == 1 and d['device'] == '$LEG' and $done_well" \
  replace "$VOL" 1 "$LEG" --wait --json
"$m" replace "$VOL" 1 "$WORK/b.img" --wait
"$m" rate "$VOL" 64KiB
json_of "not d['is_done'] and d['device'] == '$LEG'" replace "$VOL" 1 "$LEG" --json
"$m" replace "$VOL" --cancel
assert_fails "$m" replace "$VOL" --cancel --json
assert_equal 64 "$STATUS" "--cancel --json"
wait_idle
"$m" rate "$VOL" 1MiB
"$m" scrub "$VOL"
assert_fails_with "under way already" "$m" scrub "$VOL"
assert_match "^scrub " "$(xattr "$VOL" progress)"
"$m" scrub "$VOL" --cancel
wait_idle
"$m" rate "$VOL" 0B
"$m" scrub "$VOL" --wait 2>/dev/null
printf X | dd of=b.img bs=1 seek=5120 conv=notrunc status=none
assert_fails "$m" scrub "$VOL" --wait
assert_equal 1 "$STATUS"
assert_match "10\+1 legs=0x3" "$SAID"
assert_fails "$m" scrub "$VOL" --wait --json
assert_equal 1 "$STATUS"
python3 - "$SAID" <<'PYTHON'
import json, sys
document = json.loads(sys.argv[1])
assert document["version"] == 1 and not document["is_cut"], document
assert document["mismatches"] == [{"first_sector": 10, "sector_count": 1, "legs": "0x3"}], document
PYTHON
"$m" scrub "$VOL" --repair --source 0 --wait
for arguments in "scrub $VOL --source 0" "scrub $VOL --range 7" "scrub $VOL --json" "rate $VOL fast" "fail $VOL" "resync"; do
  # shellcheck disable=SC2086 # several words on purpose
  assert_fails "$m" $arguments
  assert_equal 64 "$STATUS" "$arguments"
done
for command in status resync scrub fail restore pause resume rate clear-errors; do
  assert_match "mirrorfs $command /mnt" "$("$m" $command --help)"
done
unmount
assert_same a.img b.img
for wrong in "status $WORK" "status $VOL"; do
  # shellcheck disable=SC2086
  assert_fails "$m" $wrong
  assert_equal 3 "$STATUS" "$wrong"
done
assert_fails_with "not a volume" "$m" resync "$WORK/a.img"

# check --json: volumes, or problems with their places.
"$m" check "$CONFIG" --json | python3 -c '
import json, sys
document = json.load(sys.stdin)
assert document["version"] == 1 and document["problems"] == [], document
assert document["volumes"][0]["name"] == "vol" and document["volumes"][0]["byte_count"] == 4 << 20
assert len(document["volumes"][0]["legs"]) == 2'
sed 's/legs:/lags:/' "$CONFIG" >wrong.yaml
assert_fails "$m" check wrong.yaml --json
assert_equal 1 "$STATUS"
python3 -c '
import json, sys
document = json.loads(sys.argv[1])
problem = document["problems"][0]
assert problem["line"] > 1 and problem["column"] == 5 and "lags" in problem["message"], document' "$SAID"
