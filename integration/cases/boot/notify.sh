#!/usr/bin/env bash
# Interface: a service manager is told READY, RELOADING and READY again, STOPPING, and gets WATCHDOG
# pings while the mount answers.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M
first=$LEG
file_leg b 1M
config_for "$first" "$LEG"
mkdir mnt
cat >manager.py <<'PYTHON'
import ctypes, fcntl, os, signal, socket, subprocess, sys, time
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
name = sys.argv[1]
# Somebody has the state directory for a while, so that "not ready yet" can be seen.
os.mkdir(sys.argv[3])
held = open(sys.argv[3] + "/lock", "w")
fcntl.flock(held, fcntl.LOCK_EX)
mount = subprocess.Popen(
    sys.argv[4:], env={**os.environ, "NOTIFY_SOCKET": name, "WATCHDOG_USEC": "600000"})
heard = []
def listen(seconds):
    end = time.monotonic() + seconds
    found = []
    while (left := end - time.monotonic()) > 0:
        manager.settimeout(left)
        try:
            found += manager.recv(4096).decode().split("\n")
        except TimeoutError:
            break
    return found
def until(word, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        lines = listen(0.1)
        heard.extend(lines)
        if any(line.startswith(word) for line in lines):
            return
    raise AssertionError(f"no {word} in {heard}")
PTRACE_ATTACH, PTRACE_DETACH, WALL = 16, 17, 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
def trace(request, thread):
    assert libc.ptrace(request, thread, None, None) == 0, os.strerror(ctypes.get_errno())
def held_workers():
    tasks = f"/proc/{mount.pid}/task"
    workers = []
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/comm") as name:
            if name.read().strip() == "mirrorfs-worker":
                workers.append(int(task))
    assert workers, "no workers"
    for worker in workers:
        trace(PTRACE_ATTACH, worker)
        os.waitpid(worker, WALL)
    return workers
try:
    assert "READY=1" not in listen(1), "ready before it is mounted"
    held.close()
    until("READY=1")
    assert os.path.ismount(sys.argv[2]), "ready, and not mounted"
    pings = listen(1.5).count("WATCHDOG=1")
    assert pings >= 4, f"{pings} pings in 1.5 s, where one each 0.6 s is asked for"
    # The threads that answer requests stand still, all others go on: no pings. Then they go on.
    workers = held_workers()
    listen(0.6)
    pings = listen(1.5).count("WATCHDOG=1")
    for worker in workers:
        trace(PTRACE_DETACH, worker)
    assert pings == 0, f"{pings} pings while nobody answers"
    until("WATCHDOG=1")
    heard.clear()
    mount.send_signal(signal.SIGHUP)
    until("RELOADING=1")
    assert any(l.startswith("MONOTONIC_USEC=") for l in heard), heard
    if "READY=1" not in heard:
        until("READY=1")
    heard.clear()
    mount.send_signal(signal.SIGTERM)
    until("STOPPING=1")
    assert mount.wait(20) == 0
finally:
    mount.kill()
PYTHON
defer unmount_at_end "$MNT"
python3 manager.py "$WORK/notify" "$MNT" "$STATE_DIRECTORY" "$MIRRORFS" mount "$CONFIG" "$MNT" --foreground
not_mounted "$MNT" || fail "still mounted"
