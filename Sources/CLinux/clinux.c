#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <linux/magic.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <syslog.h>
#include <unistd.h>

const int linux_O_DIRECT = O_DIRECT;
const int linux_O_PATH = O_PATH;
const int linux_FALLOC_KEEP_SIZE = FALLOC_FL_KEEP_SIZE;
const int linux_FALLOC_PUNCH_HOLE = FALLOC_FL_PUNCH_HOLE;
const int linux_FALLOC_ZERO_RANGE = FALLOC_FL_ZERO_RANGE;
const int linux_RWF_DSYNC = RWF_DSYNC;
const int linux_SEEK_DATA = SEEK_DATA;
const int linux_SEEK_HOLE = SEEK_HOLE;

int linux_open(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }

int linux_fallocate(int fd, int mode, off_t offset, off_t length) {
    return fallocate(fd, mode, offset, length);
}

ssize_t linux_pwritev_dsync(int fd, const struct iovec *vectors, int count, off_t offset) {
    return pwritev2(fd, vectors, count, offset, RWF_DSYNC);
}

struct linux_direct_alignment linux_direct_alignment_of(int fd) {
    struct linux_direct_alignment out = {0, 0};
    struct statx s;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &s) == 0 && (s.stx_mask & STATX_DIOALIGN)) {
        out.memory = s.stx_dio_mem_align;
        out.offset = s.stx_dio_offset_align;
    }
    return out;
}

bool linux_is_memory_file(int fd) {
    struct statfs s;
    return fstatfs(fd, &s) == 0 && (s.f_type == TMPFS_MAGIC || s.f_type == RAMFS_MAGIC);
}

bool linux_is_fuse_file(int fd) {
    struct statfs s;
    return fstatfs(fd, &s) == 0 && s.f_type == FUSE_SUPER_MAGIC;
}

int linux_claim_block_device(const char *path) {
    return open(path, O_RDONLY | O_EXCL | O_CLOEXEC);
}

int linux_block_device_geometry(int fd, uint64_t *byte_count, uint32_t *logical_block) {
    int block = 0;
    if (ioctl(fd, BLKGETSIZE64, byte_count) < 0 || ioctl(fd, BLKSSZGET, &block) < 0) return -1;
    *logical_block = (uint32_t)block;
    return 0;
}

int linux_loop_backing_of(int fd, struct linux_loop_backing *out) {
    struct loop_info64 info;
    memset(&info, 0, sizeof info);
    if (ioctl(fd, LOOP_GET_STATUS64, &info) < 0) return -1;
    out->device = info.lo_device;
    out->inode = info.lo_inode;
    out->byte_offset = info.lo_offset;
    out->byte_limit = info.lo_sizelimit;
    return 0;
}

int linux_block_discard(int fd, uint64_t byte_offset, uint64_t byte_count) {
    uint64_t range[2] = {byte_offset, byte_count};
    return ioctl(fd, BLKDISCARD, range);
}

static int set_range_lock(int fd, short type, uint64_t byte_offset, uint64_t byte_count) {
    struct flock lock = {.l_type = type,
                         .l_whence = SEEK_SET,
                         .l_start = (off_t)byte_offset,
                         .l_len = (off_t)byte_count};
    return fcntl(fd, F_OFD_SETLK, &lock);
}

int linux_lock_range(int fd, uint64_t byte_offset, uint64_t byte_count) {
    return set_range_lock(fd, F_WRLCK, byte_offset, byte_count);
}

int linux_unlock_range(int fd, uint64_t byte_offset, uint64_t byte_count) {
    return set_range_lock(fd, F_UNLCK, byte_offset, byte_count);
}

// By a description of its own: what the page cache has lost is told once for each of them.
void linux_drop_cache(int fd, uint64_t byte_offset, uint64_t byte_count) {
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int own = open(path, O_RDONLY | O_CLOEXEC);
    if (own < 0) return;
    sync_file_range(own, (off_t)byte_offset, (off_t)byte_count,
                    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    posix_fadvise(own, (off_t)byte_offset, (off_t)byte_count, POSIX_FADV_DONTNEED);
    close(own);
}

const char *linux_errno_name(int number) { return strerrorname_np(number); }

unsigned linux_major(uint64_t device) { return major(device); }
unsigned linux_minor(uint64_t device) { return minor(device); }

pid_t linux_thread_number(void) { return (pid_t)syscall(SYS_gettid); }

void linux_name_thread(const char *name) {
    char cut[16];
    snprintf(cut, sizeof cut, "%s", name);
    pthread_setname_np(pthread_self(), cut);
}

int linux_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int linux_memory_file(size_t byte_count) {
    int fd = memfd_create("mirrorfs", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)byte_count) == 0) return fd;
    int refusal = errno;
    close(fd);
    errno = refusal;
    return -1;
}

int linux_pin_thread(int processor) {
    if (processor < 0 || processor >= CPU_SETSIZE) {
        errno = EINVAL;
        return -1;
    }
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    return sched_setaffinity(0, sizeof set, &set);
}

int linux_possible_processor_count(void) {
    // Ranges by rising number: the last number is the largest.
    char text[256];
    int last = 0, fd = open("/sys/devices/system/cpu/possible", O_RDONLY | O_CLOEXEC);
    ssize_t count = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    text[count > 0 ? count : 0] = 0;
    for (char *p = text; *p;) {
        if (*p >= '0' && *p <= '9') last = (int)strtol(p, &p, 10);
        else p++;
    }
    return last + 1;
}

pid_t linux_spawn_session(const char *path, char *const arguments[]) {
    extern char **environ;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &none);
    pid_t process = -1;
    int failed = posix_spawn(&process, path, NULL, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    if (failed) {
        errno = failed;
        return -1;
    }
    return process;
}

pid_t linux_spawn_quietly(const char *path, char *const arguments[], char *const environment[]) {
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&files, 0, 1);
    posix_spawn_file_actions_adddup2(&files, 0, 2);
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    pid_t process = -1;
    int failed = posix_spawn(&process, path, &files, &attributes, arguments, environment);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (failed) {
        errno = failed;
        return -1;
    }
    return process;
}

int linux_notify(const char *socket_name, const char *text) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(socket_name);
    if (length < 2 || length >= sizeof address.sun_path) {
        errno = EINVAL;
        return -1;
    }
    memcpy(address.sun_path, socket_name, length);
    if (address.sun_path[0] == '@') address.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    ssize_t sent = sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address, size);
    close(fd);
    return sent < 0 ? -1 : 0;
}

void linux_syslog(int severity, const char *text) {
    syslog(LOG_DAEMON | severity, "%s", text);
}

uint64_t linux_raise_file_limit(uint64_t count) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    if (limit.rlim_cur >= count) return limit.rlim_cur;
    rlim_t hard = limit.rlim_max > count ? limit.rlim_max : count;
    struct rlimit more = {.rlim_cur = count, .rlim_max = hard};
    // Only root may go past the hard limit.
    if (setrlimit(RLIMIT_NOFILE, &more) != 0) {
        more = (struct rlimit){.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
        if (more.rlim_cur > count) more.rlim_cur = count;
        setrlimit(RLIMIT_NOFILE, &more);
    }
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

int linux_sync_file_system(int descriptor) { return syncfs(descriptor); }
int linux_umount(const char *path, bool lazily) { return umount2(path, lazily ? MNT_DETACH : 0); }

int linux_pidfd(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }

ssize_t linux_getxattr(const char *path, const char *name, void *value, size_t capacity) {
    return getxattr(path, name, value, capacity);
}

int linux_setxattr(const char *path, const char *name, const void *value, size_t byte_count) {
    return setxattr(path, name, value, byte_count, 0);
}

int linux_lock_file(int fd) { return flock(fd, LOCK_EX | LOCK_NB); }

int linux_replace_descriptor(int from, int to) { return dup3(from, to, O_CLOEXEC); }

// Huge pages: those that root has set aside, else those that the kernel makes for who asks. Where
// memory cannot be filled at once by a call (before Linux 5.14), a byte of each page is written.
void *linux_map_pages(size_t byte_count, bool wants_huge) {
    const int protection = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
    if (wants_huge && byte_count % (2 << 20) == 0) {
        void *huge = mmap(NULL, byte_count, protection, flags | MAP_HUGETLB | MAP_POPULATE, -1, 0);
        if (huge != MAP_FAILED) return huge;
    }
    void *pages = mmap(NULL, byte_count, protection, flags, -1, 0);
    if (pages == MAP_FAILED) return NULL;
    if (wants_huge) madvise(pages, byte_count, MADV_HUGEPAGE);
    if (madvise(pages, byte_count, MADV_POPULATE_WRITE) == 0) return pages;
    if (errno == ENOMEM) {
        munmap(pages, byte_count);
        errno = ENOMEM;
        return NULL;
    }
    for (size_t offset = 0; offset < byte_count; offset += 4096)
        ((volatile char *)pages)[offset] = 0;
    return pages;
}

// The library's functions change every thread; these system calls do not.
int linux_act_as(uid_t user, gid_t group, const gid_t *groups, size_t count) {
    if (geteuid() != 0 && syscall(SYS_setresuid, -1, 0, -1) != 0) return -1;
    if (syscall(SYS_setgroups, count, groups) != 0) return -1;
    if (syscall(SYS_setresgid, -1, group, -1) != 0) return -1;
    return (int)syscall(SYS_setresuid, -1, user, -1);
}

int linux_become(uid_t user, gid_t group, const gid_t *groups, size_t count) {
    if (setgroups(count, groups) != 0) return -1;
    if (setresgid(group, group, group) != 0) return -1;
    return setresuid(user, user, 0);
}

int linux_be_root_again(void) { return seteuid(0); }

int linux_give_root_up(uid_t user) {
    if (setresuid(user, user, user) != 0) return -1;
    // Unusual secure bits would let them stay.
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct capabilities[2];
    if (syscall(SYS_capget, &head, capabilities) != 0) return -1;
    uid_t real, effective, saved;
    if (getresuid(&real, &effective, &saved) != 0) return -1;
    bool has_capability = (capabilities[0].permitted | capabilities[1].permitted) != 0;
    if (has_capability || real != user || effective != user || saved != user) {
        errno = EPERM;
        return -1;
    }
    // Nothing of root's is in memory: core dumps and debuggers of that user are as usual.
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

bool linux_has_no_new_privileges(void) { return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1; }
