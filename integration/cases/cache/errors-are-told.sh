#!/usr/bin/env bash
# cache: writeback: a write that no leg could take is an error of fsync, or of close; with one
# leg left it is none.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

leg_with_errors a 1M
first=$LEG
leg_with_errors b 1M ENOSPC
mount_volume cache=writeback "$first" "$LEG"
cat >write.py <<'PYTHON'
import errno, os, sys
path, tell, expected = sys.argv[1:]
file = os.open(path, os.O_RDWR)
os.pwrite(file, b"n" * 65536, 8192)
try:
    os.fsync(file) if tell == "fsync" else os.close(file)
    found = "none"
except OSError as error:
    found = errno.errorcode[error.errno]
assert found == expected, (tell, expected, found)
if tell == "fsync":
    os.close(file)
PYTHON
fail_writes b
python3 write.py "$VOL" close none
assert_state AN 0x2 degraded
fail_writes a
python3 write.py "$VOL" fsync EIO
python3 write.py "$VOL" close EIO
mend_writes a
mend_writes b
# Linux tells an error of close once more at the first fsync of a handle that was opened since.
python3 write.py "$VOL" fsync EIO
python3 write.py "$VOL" fsync none
control resync
wait_until 20 has_letters AA
wait_idle
unmount
assert_same a.img b.img
assert_equal n "$(sector_byte a.img 16)"
