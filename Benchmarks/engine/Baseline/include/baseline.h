// What the engine is measured against: the same transfers in plain C, and a count of allocations.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// The same job for every contestant: `request_count` writes of `byte_count` bytes, each of them
/// to all `region_count` files at the same offset, `depth` requests under way at once.
struct baseline_job {
    const int *files;
    unsigned region_count;
    unsigned depth;
    uint64_t request_count;
    size_t byte_count;
    /// Bytes of each file; request n goes to `baseline_offset(job, n)`.
    uint64_t span;
    /// One a request under way, page aligned; all regions are written from the same one.
    void *const *buffers;
};

uint64_t baseline_offset(const struct baseline_job *job, uint64_t request);

/// Nanoseconds of the monotonic clock.
uint64_t baseline_now(void);

/// Bare liburing: one ring, one system call to submit and wait. Nanoseconds, or a negative errno.
/// `with_registered`: the files and buffers are registered with the ring first.
int64_t baseline_uring(const struct baseline_job *job, int with_registered);

/// Bare pwritev, one after the other, whatever `depth` says. Nanoseconds, or a negative errno.
int64_t baseline_pwritev(const struct baseline_job *job);

/// Calls of malloc and its kin on all threads since the program began; this program's own
/// definitions of them stand before the C library's.
uint64_t baseline_allocation_count(void);

/// Opens for reading, writing and direct I/O; -1 with errno.
int baseline_open_direct(const char *path);
