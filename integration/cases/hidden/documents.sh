#!/usr/bin/env bash
# F8: .mirrorfs is found by name and not listed; status.json and metrics are read by ordinary
# programs, at their full size, and say what the attributes say.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

# Debian's own, which has Debian's packages.
python=/usr/bin/python3
"$python" -c "import prometheus_client" 2>/dev/null || skip "needs python3-prometheus-client"
leg_with_errors a 2M
first=$LEG
leg_with_errors b 2M
write_config <<CONFIG
volumes:
  vol: {initial_sync: assume-in-sync, legs: [{path: "$first"}, {path: "$LEG"}]}
  'odd "name" \\nimg': {size: 1MiB, legs: [{path: "$WORK/odd.img", create: true}]}
CONFIG
mount_config
hidden=$MNT/.mirrorfs
assert_equal $'odd "name" \\nimg\nvol' "$(ls -A "$MNT")"
assert_equal $'legs\nmetrics\nstatus.json' "$(ls -A "$hidden")"
assert_equal "$(printf 'odd "name" \\nimg.0\nvol.0\nvol.1')" "$(ls -A "$hidden/legs")"
fail_writes b
write_sectors "$VOL" 8 8 x
cat "$hidden/status.json" >status
assert_same status "$hidden/status.json"
assert_equal "$(stat -c %s status)" "$(stat -c %s "$hidden/status.json")" "size"
cp "$hidden/status.json" copied
assert_same status copied
python3 - "$hidden" "$("$MIRRORFS" status "$MNT" --json)" <<'PYTHON'
import json, os, sys
status = json.load(open(sys.argv[1] + "/status.json"))
assert status["version"] == 1 and status["state"] == "degraded", status
printed = json.loads(sys.argv[2])
by_name = lambda document: {v["volume"]: v for v in document["volumes"]}
assert by_name(status) == by_name(printed)
# At the start again it is made anew; in the middle it is the text that was begun.
file = os.open(sys.argv[1] + "/status.json", os.O_RDONLY)
text = b""
while piece := os.read(file, 100):
    text += piece
assert json.loads(text) == status
PYTHON
"$python" - "$hidden/metrics" <<'PYTHON'
import sys
from prometheus_client.parser import text_string_to_metric_families
families = list(text_string_to_metric_families(open(sys.argv[1]).read()))
samples = {}
for family in families:
    assert family.documentation and family.type in ("gauge", "counter"), family
    for sample in family.samples:
        key = (sample.name, *sorted(sample.labels.items()))
        assert key not in samples, key
        samples[key] = sample.value
def value(name, **labels):
    return samples[(name, *sorted(labels.items()))]
assert value("mirrorfs_volume_size_bytes", volume="vol") == 2 << 20
assert value("mirrorfs_volume_size_bytes", volume='odd "name" \\nimg') == 1 << 20
assert value("mirrorfs_volume_state", volume="vol", state="degraded") == 1
assert value("mirrorfs_volume_state", volume="vol", state="in-sync") == 0
assert value("mirrorfs_volume_legs_in_trouble", volume="vol") == 1
assert value("mirrorfs_leg_state", volume="vol", leg="1", state="write-failed") == 1
assert value("mirrorfs_leg_stale_bytes", volume="vol", leg="1") == 4096
assert value("mirrorfs_leg_errors_total", volume="vol", leg="1", operation="write") >= 1
assert value("mirrorfs_leg_stale_bytes", volume="vol", leg="0") == 0
PYTHON
# Nobody writes there, not even root, and nothing can be made or removed.
for name in status.json metrics legs/vol.0; do
  assert_fails_with "Read-only|Permission" dd if=/dev/zero of="$hidden/$name" bs=1 count=1 conv=notrunc
  assert_fails truncate -s 0 "$hidden/$name"
done
assert_fails mkdir "$hidden/new"
assert_fails rm -f "$hidden/metrics"
for name in nothing legs/vol legs/vol.2 legs/vol.00 legs/other.0 legs/vol.; do
  assert_fails_with "No such file" stat "$hidden/$name"
done
assert_fails_with "Is a directory" cat "$hidden"
