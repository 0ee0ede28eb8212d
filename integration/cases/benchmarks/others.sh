#!/usr/bin/env bash
# Benchmarks/all makes what docs/PERFORMANCE.md shows: a quick run of all but the engine's and the one in memory,
# which have cases of their own; with INTEGRATION_LONG=1 delayed legs and loop devices, too. The figures are not
# looked at.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"
need fio cc pkg-config fusermount3 nbdkit nbdfuse
pkg-config --exists fuse3 || skip "needs libfuse3-dev"
[ -w /dev/shm ] || skip "needs /dev/shm"

parts=(disk intent small-writes scale ways)
if [ -n "${INTEGRATION_LONG:-}" ]; then
  need_loop
  parts+=(legs loop)
fi
"$LIB/../../Benchmarks/all" --quick --mirrorfs "$MIRRORFS" --disk "$WORK" --out out "${parts[@]}" >out.txt
grep -q writeback out.txt || fail "no table of small writes: $(cat out.txt)"
grep -q "intent: off" out/performance-intent.svg || fail "intents are not drawn"
[ -z "${INTEGRATION_LONG:-}" ] || grep -q "sectors of 4096 bytes" out/loop.json || fail "no loop devices: $(cat out/loop.json)"
python3 - <<'PYTHON'
import json, os, xml.dom.minidom
rows = json.load(open("out/scale.json"))["mounts"]
assert [row["volumes"] for row in rows] == [1, 20]
assert rows[1]["descriptors"] - rows[0]["descriptors"] < 20
assert not os.path.exists("out/legs.json") or len(json.load(open("out/legs.json"))["ratios"]) == 7
assert len(json.load(open("out/disk.json"))["jobs"]) == 2
assert len(json.load(open("out/ways.json"))["jobs"]["read 1 MiB direct"]) == 6
assert len(xml.dom.minidom.parse("out/performance-disk.svg").getElementsByTagName("rect")) > 12
PYTHON
find . -maxdepth 1 -name 'mirrorfs-benchmark.*' | grep . && fail "something is left"
true
