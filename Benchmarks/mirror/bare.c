// The yardstick: two files as one, over FUSE, and nothing else. Reads come from the first file, writes
// go to both, one after the other. No states, no locks, no error handling beyond errno: what is
// slower than this is the price of mirroring with care, what is faster is skill.
//
//   bare MOUNT_POINT THREADS FILE FILE [WAY...]
//
// With BARE_DIRECT set the files are opened with O_DIRECT. Each WAY changes one thing, to see what it is worth:
//   clone     each thread has a descriptor of /dev/fuse of its own
//   spin      each thread looks for its next request for 20 us before it sleeps
//   pin       threads stay on one processor each
//   huge      huge pages for requests and answers
//   splice    what is read goes from file to kernel by way of a pipe
//   long      requests of up to 4 MiB, where fs.fuse.max_pages_limit allows it
#define _GNU_SOURCE
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse_lowlevel.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { page = 4096, volume = 2, usual_most = 1 << 20, spin_nanoseconds = 20000 };

static size_t most_bytes = usual_most;
static struct { bool clone, spin, pin, huge, splice, longer; } ways;
static int legs[2];
static off_t size;
static struct fuse_session *session;
static __thread char *answer;
// What the request that this thread is at came from, and what its answer must go to.
static __thread int door;

static char *room_for(size_t count) {
    enum { huge_page = 2 << 20 };
    int populate = ways.huge ? 0 : MAP_POPULATE;
    char *made = mmap(NULL, count + huge_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | populate, -1, 0);
    if (made == MAP_FAILED) abort();
    if (!ways.huge) return made;
    made = (char *)(((uintptr_t)made + huge_page - 1) & -(uintptr_t)huge_page);
    if (madvise(made, count, MADV_HUGEPAGE) != 0) perror("bare: huge pages");
    return memset(made, 0, count);
}

static struct stat attributes(fuse_ino_t number) {
    struct stat all = {.st_ino = number, .st_uid = getuid(), .st_gid = getgid(), .st_nlink = 1};
    all.st_mode = number == volume ? S_IFREG | 0644 : S_IFDIR | 0755;
    all.st_size = number == volume ? size : 0;
    return all;
}

static void begin(void *unused, struct fuse_conn_info *connection) {
    (void)unused;
    connection->max_write = connection->max_read = connection->max_readahead = (unsigned)most_bytes;
    connection->want &= ~(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_AUTO_INVAL_DATA);
    if (ways.splice) connection->want |= FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE;
}

static void get_attributes(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file) {
    (void)file;
    struct stat all = attributes(number);
    fuse_reply_attr(request, &all, 3600);
}

static void set_attributes(fuse_req_t request, fuse_ino_t number, struct stat *wanted, int which,
                           struct fuse_file_info *file) {
    (void)wanted, (void)which;
    get_attributes(request, number, file);
}

static void look_up(fuse_req_t request, fuse_ino_t parent, const char *name) {
    (void)parent;
    if (strcmp(name, "vol") != 0) {
        fuse_reply_err(request, ENOENT);
        return;
    }
    struct fuse_entry_param entry = {.ino = volume, .attr = attributes(volume)};
    entry.attr_timeout = entry.entry_timeout = 3600;
    fuse_reply_entry(request, &entry);
}

static void open_file(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file) {
    (void)number;
    // libfuse 3.14 has no names for some of these.
    struct fuse_open_out answer = {
        .open_flags = FOPEN_KEEP_CACHE | FOPEN_NOFLUSH | FOPEN_PARALLEL_DIRECT_WRITES};
    if (file->flags & O_DIRECT) answer.open_flags |= FOPEN_DIRECT_IO;
    fuse_reply_buf(request, (const char *)&answer, sizeof answer);
}

static void read_file(fuse_req_t request, fuse_ino_t number, size_t count, off_t place,
                      struct fuse_file_info *file) {
    (void)number, (void)file;
    if (ways.splice && count >= 16 * page) {
        struct fuse_bufvec bytes = FUSE_BUFVEC_INIT(count);
        bytes.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
        bytes.buf[0].fd = legs[0];
        bytes.buf[0].pos = place;
        fuse_reply_data(request, &bytes, FUSE_BUF_SPLICE_MOVE);
        return;
    }
    if (answer == NULL) answer = room_for(most_bytes);
    ssize_t done = pread(legs[0], answer, count, place);
    if (done < 0) fuse_reply_err(request, errno);
    else fuse_reply_buf(request, answer, (size_t)done);
}

static void write_file(fuse_req_t request, fuse_ino_t number, const char *bytes, size_t count,
                       off_t place, struct fuse_file_info *file) {
    (void)number, (void)file;
    for (int leg = 0; leg < 2; leg++) {
        if (pwrite(legs[leg], bytes, count, place) != (ssize_t)count) {
            fuse_reply_err(request, errno ? errno : EIO);
            return;
        }
    }
    fuse_reply_write(request, count);
}

static void sync_file(fuse_req_t request, fuse_ino_t number, int data, struct fuse_file_info *file) {
    (void)number, (void)data, (void)file;
    fuse_reply_err(request, fdatasync(legs[0]) | fdatasync(legs[1]) ? EIO : 0);
}

// libfuse 3.14 asks for 1 MiB at most; its first answer, that to INIT, can be changed on its way.
static ssize_t send_answer(int unused, struct iovec *pieces, int count, void *nothing) {
    static bool is_begun;
    (void)unused, (void)nothing;
    if (!is_begun && ways.longer && count == 2) {
        struct fuse_init_out *agreed = pieces[1].iov_base;
        agreed->max_write = agreed->max_readahead = (uint32_t)most_bytes;
        agreed->max_pages = (uint16_t)(most_bytes / page);
        agreed->flags |= FUSE_MAX_PAGES;
    }
    is_begun = true;
    return writev(door, pieces, count);
}

static ssize_t receive(int from, void *room, size_t count, void *nothing) {
    (void)nothing;
    return read(from, room, count);
}

static ssize_t send_spliced(int from, off_t *at, int unused, off_t *to, size_t count, unsigned flags, void *nothing) {
    (void)unused, (void)nothing;
    return splice(from, at, door, to, count, flags);
}

// One more descriptor of the same mount. Requests come to any; the answer goes to where it came from.
static int cloned(int flags) {
    uint32_t session_door = (uint32_t)fuse_session_fd(session);
    int made = open("/dev/fuse", O_RDWR | O_CLOEXEC | flags);
    if (made < 0 || ioctl(made, _IOR(229, 0, uint32_t), &session_door) != 0) abort();
    return made;
}

static int64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

// Headers of a WRITE are 80 bytes: they end where a page begins, so the bytes may go to O_DIRECT.
static void *serve(void *number) {
    size_t room = most_bytes + 2 * page;
    char *memory = room_for(room);
    int usual = ways.clone ? cloned(0) : fuse_session_fd(session);
    int hasty = ways.spin ? cloned(O_NONBLOCK) : -1;
    if (ways.pin) {
        cpu_set_t processor;
        CPU_ZERO(&processor);
        CPU_SET((intptr_t)number % sysconf(_SC_NPROCESSORS_ONLN), &processor);
        sched_setaffinity(0, sizeof processor, &processor);
    }
    for (;;) {
        struct fuse_buf buffer = {.mem = memory + page - 80};
        ssize_t count = -1;
        door = hasty;
        for (int64_t end = ways.spin ? nanoseconds() + spin_nanoseconds : 0; count <= 0 && nanoseconds() < end;)
            count = read(door, buffer.mem, room - page + 80);
        if (count <= 0) {
            door = usual;
            count = read(door, buffer.mem, room - page + 80);
        }
        if (count < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN)) continue;
        if (count <= 0) return NULL;
        buffer.size = (size_t)count;
        fuse_session_process_buf(session, &buffer);
    }
}

static bool choose(const char *way) {
    const struct { const char *name; bool *choice; } all[] = {
        {"clone", &ways.clone}, {"spin", &ways.spin}, {"pin", &ways.pin},
        {"huge", &ways.huge}, {"splice", &ways.splice}, {"long", &ways.longer}};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        if (strcmp(way, all[k].name) == 0) return *all[k].choice = true;
    return false;
}

int main(int count, char **words) {
    bool is_right = count >= 5;
    for (int k = 5; k < count; k++) is_right = choose(words[k]) && is_right;
    if (!is_right) return fprintf(stderr, "usage: bare MOUNT_POINT THREADS FILE FILE [WAY...]\n"), 64;
    if (ways.longer) most_bytes = 4 << 20;
    for (int leg = 0; leg < 2; leg++) {
        legs[leg] = open(words[3 + leg], O_RDWR | (getenv("BARE_DIRECT") ? O_DIRECT : 0));
        if (legs[leg] < 0) return perror(words[3 + leg]), 1;
    }
    size = lseek(legs[0], 0, SEEK_END);
    struct fuse_lowlevel_ops operations = {.init = begin,
                                           .lookup = look_up,
                                           .getattr = get_attributes,
                                           .setattr = set_attributes,
                                           .open = open_file,
                                           .read = read_file,
                                           .write = write_file,
                                           .fsync = sync_file};
    char *options[] = {"bare", ways.longer ? "-omax_read=4194304" : "-omax_read=1048576", NULL};
    struct fuse_args arguments = FUSE_ARGS_INIT(2, options);
    session = fuse_session_new(&arguments, &operations, sizeof operations, NULL);
    if (session == NULL || fuse_session_mount(session, words[1]) != 0) return 1;
    door = fuse_session_fd(session);
    struct fuse_custom_io through = {.writev = send_answer, .read = receive, .splice_send = send_spliced};
    if (fuse_session_custom_io(session, &through, door) != 0) return 1;
    int threads = atoi(words[2]);
    pthread_t made[64];
    if (threads < 1 || threads > 64) return 64;
    for (int k = 0; k < threads; k++) pthread_create(&made[k], NULL, serve, (void *)(intptr_t)k);
    for (int k = 0; k < threads; k++) pthread_join(made[k], NULL);
    fuse_session_unmount(session);
    return 0;
}
