"""Rounds of writing, failing legs and kill -9: what was acknowledged must read back.

crash.py ROUNDS SEED MIRRORFS CONFIG MOUNT_POINT LOG LEGS TRIGGERS: the volume is MOUNT_POINT/vol.
LEGS and TRIGGERS are lists with commas: files with what the legs hold, and files that make a leg's
writes fail while they exist. Prints what was wrong and exits 1.
"""
import itertools
import mmap
import os
import random
import signal
import subprocess
import sys
import threading
import time

SECTOR = 512
rounds, seed = int(sys.argv[1]), int(sys.argv[2])
mirrorfs, config, mount_point, log = sys.argv[3:7]
legs = sys.argv[7].split(",")
triggers = [name for name in sys.argv[8].split(",") if name]
volume = mount_point + "/vol"
rng = random.Random(seed)


def attribute(name):
    return os.getxattr(volume, "user.mirrorfs." + name).decode()


def fail(text):
    print(f"seed {seed}: {text}", file=sys.stderr)
    sys.exit(1)


def mount():
    subprocess.run([mirrorfs, "mount", config, mount_point, "--log", log], check=True, timeout=60)
    return int(os.getxattr(mount_point, "user.mirrorfs.pid"))


def crash(process):
    os.kill(process, signal.SIGKILL)
    subprocess.run(["fusermount3", "-u", "-z", mount_point], check=True, timeout=30)
    while os.path.exists(f"/proc/{process}"):
        time.sleep(0.005)


def contents(number, first):
    """A sector tells which write it is from and where it belongs."""
    return (b"%016d %016d " % (number, first)).ljust(SECTOR, b".")


class Area:
    """A part of the volume that one thread writes to: for each sector, which writes it may hold."""

    def __init__(self, start, count):
        self.start = start
        self.allowed = [{0} for _ in range(count)]

    def begin(self, number, first, count):
        for sector in range(first, first + count):
            self.allowed[sector].add(number)

    def end(self, number, first, count):
        for sector in range(first, first + count):
            self.allowed[sector] = {number}


def write(area, choice, local, end, problems):
    """Writes until the daemon is gone or `end` is set."""
    flags = {"direct": os.O_DIRECT, "dsync": os.O_DSYNC}.get(choice, 0)
    handle = os.open(volume, os.O_RDWR | flags)
    try:
        while not end.is_set():
            number = next(numbers)
            count = local.choice([1, 1, 2, 7, 8, 8, 16, 64, 256, 512])
            first = local.randrange(len(area.allowed) - count)
            data = [contents(number, area.start + first + index) for index in range(count)]
            memory = mmap.mmap(-1, count * SECTOR)
            memory.write(b"".join(data))
            area.begin(number, first, count)
            try:
                done = os.pwrite(handle, memory, (area.start + first) * SECTOR)
                if choice == "fsync":
                    os.fsync(handle)
            except OSError as error:
                # Gone with the daemon; while it lives, one failing leg of two fails no write.
                if not end.wait(0.2):
                    problems.append(f"write {number}: {error}")
                return
            area.end(number, first, done // SECTOR)
    finally:
        try:
            os.close(handle)
        except OSError:
            pass


def read_all(path):
    handle = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        data = b""
        while part := os.pread(handle, 1 << 20, len(data)):
            data += part
        return data
    finally:
        os.close(handle)


def check(areas, where):
    """What is read must be allowed, and is all that is allowed from now on."""
    data = read_all(volume)
    for area in areas:
        for index, allowed in enumerate(area.allowed):
            sector = area.start + index
            piece = data[sector * SECTOR : (sector + 1) * SECTOR]
            found = 0 if piece == bytes(SECTOR) else int(piece[:16])
            if found and piece != contents(found, sector):
                fail(f"{where}: sector {sector} holds a mixture: {piece[:48]!r}")
            if found not in allowed:
                fail(f"{where}: sector {sector} holds write {found}, allowed {sorted(allowed)}")
            area.allowed[index] = {found}


def mend():
    for trigger in triggers:
        if os.path.exists(trigger):
            os.unlink(trigger)


def settle():
    """No faults: what legs missed is copied, and all are equal."""
    mend()
    os.setxattr(volume, "user.mirrorfs.control", b"resync")
    end = time.time() + 60
    while attribute("progress") != "none" or attribute("state") != "in-sync":
        if time.time() > end:
            fail(f"not in sync: {attribute('progress')}, legs {attribute('legs')}")
        time.sleep(0.02)


def work(areas):
    """Writers, legs that fail and mend, and then the end of the daemon."""
    choice = rng.choice(["direct", "direct", "plain", "fsync", "dsync"])
    end, problems = threading.Event(), []
    threads = [
        threading.Thread(target=write, args=(area, choice, random.Random(rng.random()), end, problems))
        for area in areas
    ]
    for thread in threads:
        thread.start()
    for _ in range(rng.randrange(4)):
        time.sleep(rng.uniform(0.005, 0.1))
        mend()
        if triggers and rng.random() < 0.6:
            open(rng.choice(triggers), "w").close()
    time.sleep(rng.uniform(0.005, 0.1))
    if problems:
        fail(f"{choice}: {problems[0]}")
    end.set()
    crash(process)
    for thread in threads:
        thread.join()


numbers = itertools.count(1)
process = mount()
half = os.stat(volume).st_size // SECTOR // 2
areas = [Area(0, half), Area(half, half)]
for turn in range(rounds):
    work(areas)
    if rng.random() < 0.5:
        mend()
    process = mount()
    check(areas, f"round {turn}, at once")
    if rng.random() < 0.3:
        # Another crash with the recovery half done, and nothing written.
        crash(process)
        process = mount()
        check(areas, f"round {turn}, after a second crash")
    if rng.random() < 0.6:
        settle()
        check(areas, f"round {turn}, recovered")
        copies = [read_all(leg)[: half * 2 * SECTOR] for leg in legs]
        if any(copy != copies[0] for copy in copies):
            fail(f"round {turn}: the legs differ")
settle()
print(f"{rounds} rounds, {next(numbers) - 1} writes")
