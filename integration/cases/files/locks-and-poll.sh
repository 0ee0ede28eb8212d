#!/usr/bin/env bash
# F5: flock and byte-range locks exclude each other between processes; poll says ready.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need flock
file_leg a 1M
mount_volume "$LEG"
exec {file}<>"$VOL"
flock -n "$file"
assert_fails flock -n "$VOL" true
exec {file}>&-
flock -n "$VOL" true
python3 - "$VOL" <<'PYTHON'
import fcntl, os, select, sys
file = os.open(sys.argv[1], os.O_RDWR)
fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 100)
child = os.fork()
if child == 0:
    other = os.open(sys.argv[1], os.O_RDWR)
    fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 200)
    try:
        fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 105)
    except OSError:
        os._exit(0)
    os._exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "a byte-range lock does not exclude"
poll = select.poll()
poll.register(file, select.POLLIN | select.POLLOUT)
ready = poll.poll(2000)
assert ready == [(file, select.POLLIN | select.POLLOUT)], ready
PYTHON
