#!/usr/bin/env bash
# Interface: the event log has a JSON record of each failed request, with its bitset and each failing
# leg's errno and latency, and of each change; --event-log, and event_log in the config.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 2M
first=$LEG
file_leg b 2M
config_for "$first" "$LEG,start=0"
mount_config --event-log "$WORK/events"
write_sectors "$VOL" 0 8 x
"$MIRRORFS" fault "$VOL" 1 eio
write_sectors "$VOL" 16 8 x
"$MIRRORFS" fault "$VOL" 1 off
"$MIRRORFS" resync "$VOL" --wait
"$MIRRORFS" fault "$VOL" 0 delay --delay 300ms
sleep 0.1
"$MIRRORFS" fault "$VOL" 1 enospc
write_sectors "$VOL" 32 8 x
unmount
python3 - events <<'PYTHON'
import json, re, sys
records = [json.loads(line) for line in open(sys.argv[1])]
for record in records:
    assert record["version"] == 1 and re.fullmatch(r"20..-..-..T..:..:..Z", record["time"]), record
    assert record["volume"] == "vol", record
requests = [r for r in records if r["event"] == "request" and r["operation"] == "write"]
# A write of each rehearsal, and nothing of what went well.
assert [(r["first_sector"], r["sector_count"]) for r in requests] == [(16, 8), (32, 8)], requests
for request, errno in zip(requests, ("EIO", "ENOSPC")):
    assert request["error_bits"] == "0x2", request
    (leg,) = request["legs"]
    assert (leg["leg"], leg["errno"]) == (1, errno), leg
    assert 0 <= leg["latency_us"] <= request["latency_us"], request
# Leg 0 took its time; leg 1 failed long before.
assert requests[1]["latency_us"] >= 300000 > 2 * requests[1]["legs"][0]["latency_us"], requests[1]
changes = [(r["leg"], r["state"], r["volume_state"], r["letters"]) for r in records if r["event"] == "leg"]
assert (1, "write-failed", "degraded", "AD") in changes and (1, "no-space", "degraded", "AN") in changes, changes
assert any(r["event"] == "work" and "fault=begun" in r["text"] for r in records)
PYTHON
# The same from the config; records are appended, and a wrong path is refused before anything starts.
count=$(wc -l <events)
sed -i "1a event_log: events" "$CONFIG"
mount_config
"$MIRRORFS" fault "$VOL" 1 eio
write_sectors "$VOL" 40 8 x
unmount
assert_at_least $((count + 2)) "$(wc -l <events)" "lines"
sed -i "s|event_log: .*|event_log: nowhere/events|" "$CONFIG"
assert_fails_with "event log .*nowhere/events: No such file" "$MIRRORFS" mount "$CONFIG" "$MNT" --log "$LOG"
