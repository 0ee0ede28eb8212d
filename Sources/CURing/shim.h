// liburing as Swift sees it. <features.h> first: liburing.h defines _GNU_SOURCE too late for a
// debug build, in which the module of the C library is already there.
#pragma once
#include <features.h>

#include <errno.h>
#include <sched.h>
#include <liburing.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// FUSE over io_uring, as the kernel defines it from 6.14 on (protocol 7.42). Said here again, under
// names of our own, because <linux/fuse.h> of the systems that we build on is older.

// Where the kernel leaves a request's headers, and takes an answer's.
struct mirrorfs_ring_header {
    uint8_t message_header[128];   // fuse_in_header, then fuse_out_header
    uint8_t operation_header[128]; // the first argument of the request
    uint64_t flags;
    uint64_t commit_number; // names the request when it is answered
    uint32_t payload_byte_count;
    uint32_t padding;
    uint64_t reserved;
};

// What follows a command in an entry of the submission ring.
struct mirrorfs_ring_command {
    uint64_t flags;
    uint64_t commit_number;
    uint16_t queue;
    uint8_t padding[6];
};

// The command lies in a part of the entry that only 128-byte entries have, and that Swift does not
// see: an array of no length.
static inline void mirrorfs_prepare_ring_command(struct io_uring_sqe *entry, uint32_t command,
                                                 int descriptor, uint16_t queue,
                                                 uint64_t commit_number) {
    struct mirrorfs_ring_command request = {.commit_number = commit_number, .queue = queue};
    memset(entry, 0, 128);
    entry->opcode = IORING_OP_URING_CMD;
    entry->fd = descriptor;
    entry->cmd_op = command;
    memcpy(entry->cmd, &request, sizeof request);
}

// FUSE_IO_URING_CMD_REGISTER: offers memory for one request at a time. The kernel reads the two
// vectors (header, payload) while it takes the command.
static inline void mirrorfs_prepare_ring_register(struct io_uring_sqe *entry, int descriptor,
                                                  uint16_t queue, const struct iovec *memory) {
    mirrorfs_prepare_ring_command(entry, 1, descriptor, queue, 0);
    entry->addr = (uint64_t)(uintptr_t)memory;
    entry->len = 2;
}

// FUSE_IO_URING_CMD_COMMIT_AND_FETCH: answers a request and asks for the next.
static inline void mirrorfs_prepare_ring_commit(struct io_uring_sqe *entry, int descriptor,
                                                uint16_t queue, uint64_t commit_number) {
    mirrorfs_prepare_ring_command(entry, 2, descriptor, queue, commit_number);
}

// Puts a completion with result 1 into another thread's ring, without a ring of one's own:
// IORING_REGISTER_SEND_MSG_RING, of kernels from 6.13 on, which liburing 2.3 does not know. Returns 0
// or a negated errno.
static inline int mirrorfs_ring_send(int ring, uint64_t data) {
    enum { register_send_msg_ring = 31 };
    struct io_uring_sqe entry;
    memset(&entry, 0, sizeof entry);
    io_uring_prep_msg_ring(&entry, ring, 1, data, 0);
    // glibc has no wrapper for it; syscall(2) is declared with _DEFAULT_SOURCE alone.
    return syscall(__NR_io_uring_register, -1, register_send_msg_ring, &entry, 1) < 0 ? -errno : 0;
}

static inline uint64_t mirrorfs_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

// Looks whether the ring has a completion or work that will make one, until a time of
// mirrorfs_nanoseconds(). From `alone` on others that want this processor go first: who brings the
// next request may be one of them. C, because Swift has neither the barriers nor the hint to the
// processor that nothing else is done meanwhile.
static inline bool mirrorfs_ring_spin(struct io_uring *ring, uint64_t alone, uint64_t until) {
    for (;;) {
        if (io_uring_cq_ready(ring)) return true;
        if (__atomic_load_n(ring->sq.kflags, __ATOMIC_RELAXED) & IORING_SQ_TASKRUN) return true;
        uint64_t now = mirrorfs_nanoseconds();
        if (now >= until) return false;
        if (now >= alone) sched_yield();
#if defined(__x86_64__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("yield");
#endif
    }
}
