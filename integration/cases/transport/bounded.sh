#!/usr/bin/env bash
# transport: more requests wait for a leg that hangs than there may be threads: those beyond wait in the
# kernel, so that memory stays bounded, and all are served in the end.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"
need python3
allow_ring Y

healthy_leg a 16M
hanging=$LEG
file_leg b 16M
config_for transport=uring "$hanging,deadline=60s" "$LEG"
mount_config
hang a
python3 - "$VOL" "$(daemons "$MNT")" "$(cat "$WORK/a.nbdkit.pid")" >found <<'END'
import mmap, os, signal, sys, threading, time
volume, daemon, server = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
count = 400
descriptor = os.open(volume, os.O_RDONLY | os.O_DIRECT)
done = []

def seats():
    # The memory of a seat is mapped twice.
    with open(f"/proc/{daemon}/maps") as maps:
        return sum("memfd:" in line for line in maps) // 2

def read(offset):
    os.preadv(descriptor, [mmap.mmap(-1, 4096)], offset)
    done.append(offset)

readers = [threading.Thread(target=read, args=(index * 4096,)) for index in range(count)]
for reader in readers:
    reader.start()
before, now = -1, seats()
while now > before:
    time.sleep(1)
    before, now = now, seats()
print(f"seats={now}" if 100 < now < 300 else f"{now} seats for {count} requests", f"early={len(done)}")
os.kill(server, signal.SIGCONT)
for reader in readers:
    reader.join()
print(f"served={len(done)}")
END
assert_match '^seats=[0-9]+ early=0.served=400$' "$(tr '\n' ' ' <found | sed 's/ $//')"
unmount
