#!/usr/bin/env bash
# cache: writeback, M9: kill -9 of the daemon loses at most what was neither synced nor closed, a
# sector is never half of it, and the legs are equal afterwards.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 8M
first=$LEG
file_leg b 8M
mount_volume cache=writeback "$first" "$LEG"
for round in 1 2 3; do
  mkfifo "go.$round"
  python3 - "$VOL" "$round" "go.$round" <<'PYTHON' &
import os, sys
path, fill, go = sys.argv[1], sys.argv[2].encode(), sys.argv[3]
file = os.open(path, os.O_RDWR)
os.pwrite(file, fill * (1 << 20), 0)
os.fsync(file)                               # kept: synced
other = os.open(path, os.O_WRONLY)
os.pwrite(file, fill * (1 << 20), 1 << 20)
os.close(other)                              # kept: a handle was closed, though not this one
os.pwrite(file, fill * (4 << 20), 2 << 20)   # may be lost
open(go, "w").close()
while True:
    os.pwrite(file, fill * 4096, 6 << 20)
PYTHON
  writer=$!
  defer end_process "$writer"
  cat "go.$round"
  crash
  end_process "$writer"
  mount_config
  cmp -n 2097152 "$VOL" <(filled_with "$round" 2097152) || fail "synced or closed, and lost"
  python3 - "$VOL" "$round" <<'PYTHON'
import sys
new, content = int(sys.argv[2]) + 48, open(sys.argv[1], "rb").read()
for sector in range(2 << 11, 8 << 11):
    found = set(content[sector * 512 : sector * 512 + 512])
    assert len(found) == 1 and found < {0, new - 1, new}, (sector, found)
PYTHON
  wait_idle
  cp "$VOL" copy.before
done
unmount
assert_same a.img b.img
assert_same a.img copy.before
