#!/usr/bin/env bash
# transport, M12: requests that come at once, more than there are seats, while a leg hangs: those for
# another volume that the kernel has put behind them are served, too.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"
need python3 taskset
allow_ring Y

healthy_leg a 16M
hanging=$LEG
file_leg b 16M
good=$LEG
file_leg c 16M
other=$LEG
file_leg d 16M
write_config <<END
transport: uring
volumes:
  vol:
    initial_sync: assume-in-sync
    legs:
$(leg_lines "$hanging,deadline=30s" "$good")
  other:
    initial_sync: assume-in-sync
    legs:
$(leg_lines "$other" "$LEG")
END
mount_config
random_file source $((4 << 20))
cp source "$MNT/other"
hang a
# All on one processor, whose queue they share; the daemon sees none of them before the last is there.
taskset -c 0 python3 - "$VOL" "$MNT/other" "$(daemons "$MNT")" "$(cat "$WORK/a.nbdkit.pid")" >found <<'END'
import mmap, os, signal, sys, threading, time
hung, other, daemon, server = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
done = []

def read(path, descriptor, offset):
    os.preadv(descriptor, [mmap.mmap(-1, 4096)], offset)
    done.append(path)

def start(path, count):
    for index in range(count):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECT)
        readers.append(threading.Thread(target=read, args=(path, descriptor, index * 4096)))

readers = []
start(hung, 40)
start(other, 20)
os.kill(daemon, signal.SIGSTOP)
for reader in readers:
    reader.start()
    time.sleep(0.005)
os.kill(daemon, signal.SIGCONT)
end = time.time() + 10
while done.count(other) < 20 and time.time() < end:
    time.sleep(0.05)
print(f"{done.count(other)} of 20 were served, {done.count(hung)} of those that hang")
os.kill(server, signal.SIGCONT)
END
assert_equal "20 of 20 were served, 0 of those that hang" "$(cat found)"
assert_equal AA "$(letters "$MNT/other")"
