#!/usr/bin/env bash
# Benchmarks/run compares, and Benchmarks/plot draws what it found: a short run of some jobs. The figures
# are not looked at.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"
need fio cc pkg-config fusermount3
pkg-config --exists fuse3 || skip "needs libfuse3-dev"

benchmarks=$LIB/../../Benchmarks
"$benchmarks/run" --mirrorfs "$MIRRORFS" --legs "$WORK" --rounds 1 --seconds 0.5 --size 8 --json found.json \
  --jobs "write 1 MiB direct,random read 4 KiB depth 32,buffered write 4 KiB,cold read"
"$benchmarks/plot" found.json >found.svg
python3 - <<'PYTHON'
import json, xml.dom.minidom
found = json.load(open("found.json"))
assert len(found["jobs"]) == 4
for name, job in found["jobs"].items():
    assert {"raw", "bare", "mirrorfs"} <= job["medians"].keys(), name
    assert all(value > 0 for value in job["medians"].values()), name
assert "gathered" in found["jobs"]["buffered write 4 KiB"]["medians"]
assert set(found["machine"]) == {"processor", "processors", "kernel"}
assert len(xml.dom.minidom.parse("found.svg").getElementsByTagName("rect")) > 12
PYTHON
find . -maxdepth 1 -name 'mirrorfs-benchmark.*' | grep . && fail "something is left"
true
