#!/usr/bin/env python3
"""Random operations on a volume, each mirrored in memory and compared: what a file of fixed size must do.

usage: model.py [--seed N] [--seconds S] [--fault TRIGGER_FILE ...] VOLUME

Trigger files are made and removed at random: a leg fails and recovers meanwhile. On a difference it prints
the operations that touched the place, and the seed.
"""
import argparse, ctypes, mmap, os, random, sys, time

PUNCH, ZERO = 0x3, 0x10  # FALLOC_FL_PUNCH_HOLE | KEEP_SIZE, FALLOC_FL_ZERO_RANGE
LIBC = ctypes.CDLL(None, use_errno=True)


class Model:
    def __init__(self, options):
        self.path, self.faults = options.volume, options.fault
        self.size = os.stat(self.path).st_size
        self.buffered = os.open(self.path, os.O_RDWR)
        self.direct = os.open(self.path, os.O_RDWR | os.O_DIRECT)
        self.mapping = mmap.mmap(self.buffered, self.size)
        self.page = mmap.mmap(-1, 1 << 20)  # page-aligned memory for direct I/O
        self.history = []
        self.bytes = bytearray(self.size)
        self.put(self.buffered, 0, os.urandom(self.size))

    def span(self, most=200_000, align=1):
        first = random.randrange(self.size) // align * align
        count = random.choice([1, 3, 511, 512, 513, 4096, 5000, random.randrange(1, most)])
        count = max(align, count // align * align)
        return first, min(count, self.size - first)

    def note(self, *what):
        self.history.append(what)

    def check(self, found, first, how):
        expected = self.bytes[first : first + len(found)]
        if found == expected:
            return
        place = first + next(i for i, (a, b) in enumerate(zip(found, expected)) if a != b)
        print(f"{how}: byte {place} (sector {place // 512}) is {found[place - first]}, not {self.bytes[place]}")
        for number, (name, start, count) in enumerate(self.history):
            if start <= place < start + count or name.startswith("fault"):
                print(f"  operation {number}: {name} {start}+{count}")
        sys.exit(1)

    def put(self, file, first, data):
        written = os.pwrite(file, data, first)
        assert written == len(data), f"short write of {written} at {first}+{len(data)}"
        self.bytes[first : first + len(data)] = data

    # The operations; each name is what the history shows.

    def op_write(self):
        first, count = self.span()
        self.note("write", first, count)
        self.put(self.buffered, first, os.urandom(count))

    def op_write_direct(self):
        first, count = self.span(align=random.choice([1, 512, 4096]))
        self.note("write direct", first, count)
        self.page[:count] = os.urandom(count)
        assert os.pwritev(self.direct, [memoryview(self.page)[:count]], first) == count
        self.bytes[first : first + count] = self.page[:count]

    def op_write_mapped(self):
        first, count = self.span(20_000)
        self.note("write mapped", first, count)
        self.mapping[first : first + count] = data = os.urandom(count)
        self.bytes[first : first + count] = data

    def op_zero(self):
        first, count = self.span()
        mode = random.choice([PUNCH, ZERO])
        self.note("punch" if mode == PUNCH else "zero range", first, count)
        if LIBC.fallocate(self.buffered, mode, ctypes.c_long(first), ctypes.c_long(count)):
            sys.exit(f"fallocate: {os.strerror(ctypes.get_errno())}")
        self.bytes[first : first + count] = bytes(count)

    def op_truncate(self):
        if random.random() < 0.7:
            return  # seldom: it makes everything behind it zeroes
        first = random.randrange(self.size * 3 // 4, self.size + 1)
        self.note("truncate", first, self.size - first)
        os.truncate(self.path, first)
        time.sleep(0.05)  # the kernel may believe in the cut for a moment: see data/truncate-mapped
        self.bytes[first:] = bytes(self.size - first)

    def op_read(self):
        first, count = self.span()
        self.check(os.pread(self.buffered, count, first), first, "read")

    def op_read_direct(self):
        first, count = self.span(align=random.choice([1, 512, 4096]))
        found = os.preadv(self.direct, [memoryview(self.page)[:count]], first)
        assert found == count, f"short read of {found} at {first}+{count}"
        self.check(self.page[:count], first, "read direct")

    def op_read_mapped(self):
        first, count = self.span(20_000)
        self.check(self.mapping[first : first + count], first, "read mapped")

    def op_sync(self):
        self.note("fsync", 0, self.size)
        random.choice([os.fsync, os.fdatasync])(self.buffered)

    def op_fault(self):
        for trigger in self.faults:
            if os.path.exists(trigger):
                os.unlink(trigger)
                self.note("fault ends: " + os.path.basename(trigger), 0, 0)
            elif random.random() < 0.3:
                open(trigger, "w").close()
                self.note("fault begins: " + os.path.basename(trigger), 0, 0)

    def run(self, seconds):
        operations = [self.op_write, self.op_write_direct, self.op_write_mapped, self.op_zero, self.op_truncate]
        operations += 2 * [self.op_read, self.op_read_direct, self.op_read_mapped] + [self.op_sync, self.op_fault]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            random.choice(operations)()
        for trigger in self.faults:
            if os.path.exists(trigger):
                os.unlink(trigger)
        self.mapping.flush()
        os.fsync(self.buffered)
        whole = b""
        while len(whole) < self.size:
            count = os.preadv(self.direct, [self.page], len(whole))
            whole += self.page[:count]
        self.check(whole, 0, "read at the end")
        print(f"{len(self.history)} changes")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--fault", action="append", default=[])
    parser.add_argument("volume")
    options = parser.parse_args()
    random.seed(options.seed)
    print(f"seed {options.seed}")
    Model(options).run(options.seconds)


main()
