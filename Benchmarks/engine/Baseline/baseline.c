#define _GNU_SOURCE
#include "baseline.h"

#include <errno.h>
#include <fcntl.h>
#include <features.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

uint64_t baseline_offset(const struct baseline_job *job, uint64_t request) {
    uint64_t places = job->span / job->byte_count;
    return request * 2654435761u % places * job->byte_count;
}

uint64_t baseline_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

int baseline_open_direct(const char *path) { return open(path, O_RDWR | O_DIRECT | O_CLOEXEC); }

int64_t baseline_pwritev(const struct baseline_job *job) {
    uint64_t start = baseline_now();
    for (uint64_t n = 0; n < job->request_count; n++) {
        struct iovec vector = {job->buffers[n % job->depth], job->byte_count};
        for (unsigned region = 0; region < job->region_count; region++) {
            ssize_t moved =
                pwritev(job->files[region], &vector, 1, (off_t)baseline_offset(job, n));
            if (moved != (ssize_t)job->byte_count) return moved < 0 ? -errno : -EIO;
        }
    }
    return (int64_t)(baseline_now() - start);
}

static int make_ring(struct io_uring *ring) {
    int failed = io_uring_queue_init(
        256, ring, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
    return failed == -EINVAL ? io_uring_queue_init(256, ring, 0) : failed;
}

static int make_registered(struct io_uring *ring, const struct baseline_job *job) {
    struct iovec vectors[256];
    for (unsigned index = 0; index < job->depth; index++)
        vectors[index] = (struct iovec){job->buffers[index], job->byte_count};
    int failed = io_uring_register_buffers(ring, vectors, job->depth);
    return failed ? failed : io_uring_register_files(ring, job->files, job->region_count);
}

static void prepare_request(struct io_uring *ring, const struct baseline_job *job, uint64_t request,
                            unsigned slot, int with_registered) {
    for (unsigned region = 0; region < job->region_count; region++) {
        struct io_uring_sqe *entry = io_uring_get_sqe(ring);
        uint64_t offset = baseline_offset(job, request);
        unsigned byte_count = (unsigned)job->byte_count;
        if (with_registered) {
            io_uring_prep_write_fixed(
                entry, (int)region, job->buffers[slot], byte_count, offset, (int)slot);
            entry->flags |= IOSQE_FIXED_FILE;
        } else {
            io_uring_prep_write(entry, job->files[region], job->buffers[slot], byte_count, offset);
        }
        entry->user_data = slot;
    }
}

static int run_ring(struct io_uring *ring, const struct baseline_job *job, int with_registered) {
    unsigned pending[256] = {0};
    uint64_t next = 0, ended = 0;
    for (; next < job->depth && next < job->request_count; next++) {
        pending[next] = job->region_count;
        prepare_request(ring, job, next, (unsigned)next, with_registered);
    }
    while (ended < job->request_count) {
        int failed = io_uring_submit_and_wait(ring, 1);
        if (failed < 0 && failed != -EINTR) return failed;
        struct io_uring_cqe *completion;
        unsigned head, count = 0;
        io_uring_for_each_cqe(ring, head, completion) {
            count++;
            unsigned slot = (unsigned)completion->user_data;
            if (completion->res != (int)job->byte_count)
                return completion->res < 0 ? completion->res : -EIO;
            if (--pending[slot] > 0) continue;
            ended++;
            if (next == job->request_count) continue;
            pending[slot] = job->region_count;
            prepare_request(ring, job, next++, slot, with_registered);
        }
        io_uring_cq_advance(ring, count);
    }
    return 0;
}

int64_t baseline_uring(const struct baseline_job *job, int with_registered) {
    if (job->depth * job->region_count > 256) return -EINVAL;
    struct io_uring ring;
    int failed = make_ring(&ring);
    if (failed < 0) return failed;
    if (with_registered) failed = make_registered(&ring, job);
    uint64_t start = baseline_now();
    if (!failed) failed = run_ring(&ring, job, with_registered);
    int64_t took = (int64_t)(baseline_now() - start);
    io_uring_queue_exit(&ring);
    return failed < 0 ? failed : took;
}
