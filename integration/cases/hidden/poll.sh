#!/usr/bin/env bash
# F8: poll on status.json wakes when a state changes (POLLPRI), and says nothing before; volumes
# and the other files are always ready.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

leg_with_errors a 1M
first=$LEG
leg_with_errors b 1M
mount_volume "$first" "$LEG"
cat >watch.py <<'PYTHON'
import json, os, select, sys, threading
status = os.open(sys.argv[1] + "/.mirrorfs/status.json", os.O_RDONLY)
def state():
    return json.loads(os.pread(status, 1 << 20, 0))["state"]
def news(milliseconds):
    poll = select.poll()
    poll.register(status, select.POLLPRI)
    return poll.poll(milliseconds)
assert state() == "in-sync"
assert news(300) == [], "news without a change"
def change():
    open(sys.argv[2] + "/b.fail-writes", "w").close()
    volume = os.open(sys.argv[1] + "/vol", os.O_WRONLY)
    os.pwrite(volume, b"x" * 4096, 4096)
    os.fsync(volume)  # with cache: writeback the kernel sends it now
threading.Timer(0.5, change).start()
assert news(20000) == [(status, select.POLLPRI)], "not woken by a change"
assert news(0) == [(status, select.POLLPRI)], "not seen until it is read"
assert state() == "degraded"
epoll = select.epoll()
epoll.register(status, select.EPOLLPRI)
assert news(300) == [] and epoll.poll(0.3) == [], "news after it was read"
os.unlink(sys.argv[2] + "/b.fail-writes")
assert epoll.poll(20), "epoll is not woken"
while state() != "in-sync":
    assert news(20000), "not woken again"
volume = os.open(sys.argv[1] + "/vol", os.O_RDWR)
metrics = os.open(sys.argv[1] + "/.mirrorfs/metrics", os.O_RDONLY)
poll = select.poll()
for file in volume, metrics:
    poll.register(file, select.POLLIN | select.POLLOUT)
assert poll.poll(2000) == [(volume, select.POLLIN | select.POLLOUT), (metrics, select.POLLIN)]
PYTHON
python3 watch.py "$MNT" "$WORK"
# Somebody who waits keeps nobody from unmounting lazily, and is let go.
python3 - "$MNT" <<'PYTHON' &
import os, select, sys
status = os.open(sys.argv[1] + "/.mirrorfs/status.json", os.O_RDONLY)
poll = select.poll()
poll.register(status, select.POLLPRI)
open("waiting", "w").close()
poll.poll(60000)
PYTHON
waiter=$!
wait_until 20 test -e waiting
assert_fails_with "busy" "$MIRRORFS" umount "$MNT"
end_process "$waiter"
unmount
