#!/usr/bin/env bash
# Benchmarks/all ring: mirrorfs with transport: uring, beside the others. The figures are not looked at.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"
need fio cc pkg-config fusermount3
pkg-config --exists fuse3 || skip "needs libfuse3-dev"
[ -w /dev/shm ] || skip "needs /dev/shm"

benchmarks=$LIB/../../Benchmarks
allow_ring N
"$benchmarks/all" --quick --mirrorfs "$MIRRORFS" --out none ring 2>errors.txt
grep -q "left out" errors.txt || fail "nothing was said: $(cat errors.txt)"
[ ! -e none/ring.json ] || fail "something was measured where the kernel offers nothing"
allow_ring Y
"$benchmarks/all" --quick --mirrorfs "$MIRRORFS" --out out ring
python3 - <<'PYTHON'
import json, xml.dom.minidom
job = json.load(open("out/ring.json"))["jobs"]["two jobs of random write 4 KiB depth 8"]
assert {"bare", "mirrorfs", "ring"} <= job["medians"].keys()
assert {"bare"} <= job["ring_by"].keys()
assert len(xml.dom.minidom.parse("out/performance-ring.svg").getElementsByTagName("rect")) > 3
PYTHON
