#!/usr/bin/env bash
# M4, M6: a stale range heals, to the sector, when it has been rewritten and flushed; not before.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M
first=$LEG
leg_with_errors b 1M
mount_volume read_policy=round-robin "$first" "$LEG"
write_sectors "$VOL" 0 2048 o
sync "$VOL"
control pause # or a resync may come first on a machine that is busy
fail_writes b
write_sectors "$VOL" 1000 16 n
mend_writes b
assert_equal 1000+16 "$(xattr "$VOL" leg.1.stale)"

# Written again but not flushed: still stale, still not read from there.
python3 - "$VOL" <<'PYTHON'
import os, sys
file = os.open(sys.argv[1], os.O_RDWR)
assert os.pwrite(file, b"m" * 4096, 1000 * 512) == 4096
stale = os.getxattr(sys.argv[1], "user.mirrorfs.leg.1.stale")
assert stale == b"1000+16", f"before the flush: {stale}"
spoilt = os.open("b.img", os.O_RDWR)
os.pwrite(spoilt, b"P" * 4096, 1000 * 512)
direct = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT)
for turn in range(10):
    assert os.pread(direct, 512, 1003 * 512) == b"m" * 512, f"turn {turn}: read from the stale leg"
assert os.pwrite(file, b"m" * 4096, 1000 * 512) == 4096
os.fsync(file)
PYTHON
assert_equal 1008+8 "$(xattr "$VOL" leg.1.stale)" "after the flush"
assert_state AD 0x2 degraded

# The rest through the page cache: whole again, and read from both legs.
filled_with w 4096 | dd of="$VOL" bs=4096 seek=$((1008 * 512)) oflag=seek_bytes conv=notrunc,fsync status=none
assert_equal "" "$(xattr "$VOL" leg.1.stale)"
assert_state AA 0x0 in-sync
assert_equal 0x2 "$(xattr "$VOL" error_bits_seen)" "seen until cleared"
assert_legs_equal "$VOL" a.img b.img
write_sectors b.img 1003 1 L
seen=$(for _ in {1..10}; do sector_byte "$VOL" 1003; done)
assert_match L "$seen" "the healed leg serves again"
assert_one_log_line leg=1 state=write-failed
assert_one_log_line leg=1 state=alive
