// The yardstick: two files as one, over FUSE, and nothing else. Reads come from the first file, writes
// go to both, one after the other. No states, no locks, no error handling beyond errno: what is
// slower than this is the price of mirroring with care, what is faster is skill.
//
//   bare MOUNT_POINT THREADS FILE FILE    (with BARE_DIRECT set: the files are opened with O_DIRECT)
#define _GNU_SOURCE
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse_lowlevel.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { most_bytes = 1 << 20, page = 4096, volume = 2 };

static int legs[2];
static off_t size;
static struct fuse_session *session;
static __thread char *answer;

static struct stat attributes(fuse_ino_t number) {
    struct stat all = {.st_ino = number, .st_uid = getuid(), .st_gid = getgid(), .st_nlink = 1};
    all.st_mode = number == volume ? S_IFREG | 0644 : S_IFDIR | 0755;
    all.st_size = number == volume ? size : 0;
    return all;
}

static void begin(void *unused, struct fuse_conn_info *connection) {
    (void)unused;
    connection->max_write = connection->max_read = connection->max_readahead = most_bytes;
    connection->want &= ~(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_AUTO_INVAL_DATA);
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
    if (answer == NULL && posix_memalign((void **)&answer, page, most_bytes) != 0) abort();
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

// Headers of a WRITE are 80 bytes: they end where a page begins, so the bytes may go to O_DIRECT.
static void *serve(void *unused) {
    (void)unused;
    size_t room = most_bytes + 2 * page;
    char *memory = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    for (;;) {
        struct fuse_buf buffer = {.mem = memory + page - 80};
        ssize_t count = read(fuse_session_fd(session), buffer.mem, room - page + 80);
        if (count < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN)) continue;
        if (count <= 0) return NULL;
        buffer.size = (size_t)count;
        fuse_session_process_buf(session, &buffer);
    }
}

int main(int count, char **words) {
    if (count != 5) return fprintf(stderr, "usage: bare MOUNT_POINT THREADS FILE FILE\n"), 64;
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
    char *options[] = {"bare", "-omax_read=1048576", NULL};
    struct fuse_args arguments = FUSE_ARGS_INIT(2, options);
    session = fuse_session_new(&arguments, &operations, sizeof operations, NULL);
    if (session == NULL || fuse_session_mount(session, words[1]) != 0) return 1;
    int threads = atoi(words[2]);
    pthread_t made[64];
    if (threads < 1 || threads > 64) return 64;
    for (int k = 0; k < threads; k++) pthread_create(&made[k], NULL, serve, NULL);
    for (int k = 0; k < threads; k++) pthread_join(made[k], NULL);
    fuse_session_unmount(session);
    return 0;
}
