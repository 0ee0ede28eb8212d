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
import os, signal, socket, subprocess, sys, time
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
name = sys.argv[1]
mount = subprocess.Popen(
    sys.argv[3:], env={**os.environ, "NOTIFY_SOCKET": name, "WATCHDOG_USEC": "600000"})
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
try:
    until("READY=1")
    assert os.path.ismount(sys.argv[2]), "ready before it is mounted"
    pings = listen(1.5).count("WATCHDOG=1")
    assert pings >= 4, f"{pings} pings in 1.5 s, where one each 0.6 s is asked for"
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
python3 manager.py "$WORK/notify" "$MNT" "$MIRRORFS" mount "$CONFIG" "$MNT" --foreground
not_mounted "$MNT" || fail "still mounted"
