// Names of Linux that Swift's Glibc module hides, because it is built without _GNU_SOURCE, and
// calls whose C form (variadic, macro, packed structure) Swift cannot make.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

// open(2) flags.
extern const int linux_O_DIRECT;
extern const int linux_O_PATH;

/// open(2) with a mode; variadic in C. Returns a descriptor, or -1 with errno.
int linux_open(const char *path, int flags, mode_t mode);

// fallocate(2) modes.
extern const int linux_FALLOC_KEEP_SIZE;
extern const int linux_FALLOC_PUNCH_HOLE;
extern const int linux_FALLOC_ZERO_RANGE;

/// fallocate(2). 0, or -1 with errno.
int linux_fallocate(int fd, int mode, off_t offset, off_t length);

/// pwritev2(2) with RWF_DSYNC: the data is durable when the call ends.
ssize_t linux_pwritev_dsync(int fd, const struct iovec *vectors, int count, off_t offset);
extern const int linux_RWF_DSYNC;

// lseek(2) directions.
extern const int linux_SEEK_DATA;
extern const int linux_SEEK_HOLE;

/// What statx(2) tells about direct I/O on an open file; alignments are 0 where it cannot tell.
struct linux_direct_alignment {
    uint32_t memory;
    uint32_t offset;
};
struct linux_direct_alignment linux_direct_alignment_of(int fd);

/// Whether the file lives in memory (tmpfs, ramfs), so that a transfer never waits for a device.
bool linux_is_memory_file(int fd);

/// Size in bytes and logical block size of a block device. 0, or -1 with errno.
int linux_block_device_geometry(int fd, uint64_t *byte_count, uint32_t *logical_block);

/// What a loop device stands on (LOOP_GET_STATUS64). 0, or -1 with errno (ENXIO: not set up).
struct linux_loop_backing {
    uint64_t device;
    uint64_t inode;
    uint64_t byte_offset;
    uint64_t byte_limit; // 0: to the end
};
int linux_loop_backing_of(int fd, struct linux_loop_backing *out);

/// Discards a range of a block device (BLKDISCARD). 0, or -1 with errno.
int linux_block_discard(int fd, uint64_t byte_offset, uint64_t byte_count);

/// Takes an exclusive lock on a byte range of an open file (F_OFD_SETLK); it belongs to the open
/// file description and ends with it. 0, or -1 with errno (EAGAIN or EACCES: somebody has it).
int linux_lock_range(int fd, uint64_t byte_offset, uint64_t byte_count);

/// Gives a part of that lock free.
int linux_unlock_range(int fd, uint64_t byte_offset, uint64_t byte_count);

/// Has the page cache write what it holds of a part of an open file, and forget it.
void linux_drop_cache(int fd, uint64_t byte_offset, uint64_t byte_count);

/// "EIO" for 5; NULL for a number that is none.
const char *linux_errno_name(int number);

/// Splits a device number.
unsigned linux_major(uint64_t device);
unsigned linux_minor(uint64_t device);

/// Whether the file lives on a FUSE file system, where direct I/O asks for no alignment.
bool linux_is_fuse_file(int fd);

/// Opens a block device for exclusive use (O_EXCL): refused while it is mounted, part of an array,
/// or claimed by somebody else. Returns a descriptor, or -1 with errno (EBUSY).
int linux_claim_block_device(const char *path);

/// Lets the calling thread run on one processor alone. 0, or -1 with errno (EINVAL: not allowed to).
int linux_pin_thread(int processor);

/// Names the calling thread; at most 15 bytes are kept.
void linux_name_thread(const char *name);
/// The calling thread's number, as requests of FUSE and the kernel's lists have it.
pid_t linux_thread_number(void);

/// eventfd(2), closed on exec; reading it never waits. Returns a descriptor, or -1 with errno.
int linux_eventfd(void);

/// Anonymous memory as a file (memfd_create(2)), closed on exec. A descriptor, or -1 with errno.
int linux_memory_file(size_t byte_count);

/// How many processors this kernel may ever have, absent ones included; at least 1.
int linux_possible_processor_count(void);

/// Starts a program in a session of its own (posix_spawn(3) with SETSID). Open descriptors without
/// close-on-exec stay open. Returns its process number, or -1 with errno.
pid_t linux_spawn_session(const char *path, char *const arguments[]);

/// Starts a program in a session of its own, with this environment, no descriptors but /dev/null,
/// and no signal blocked or ignored. Returns its process number, or -1 with errno.
pid_t linux_spawn_quietly(const char *path, char *const arguments[], char *const environment[]);

/// Sends a datagram to a service manager's socket; a name that begins with @ is an abstract one.
/// 0, or -1 with errno.
int linux_notify(const char *socket_name, const char *text);

/// syslog(3) with facility daemon; severity as in <syslog.h>.
void linux_syslog(int severity, const char *text);

/// umount2(2). 0, or -1 with errno.
int linux_umount(const char *path, bool lazily);
/// Raises the limit of open files (RLIMIT_NOFILE, whose name Swift does not import) to at least
/// `count`, as far as allowed. Returns the limit then.
uint64_t linux_raise_file_limit(uint64_t count);
/// syncfs(2). 0, or -1 with errno.
int linux_sync_file_system(int descriptor);

/// pidfd_open(2): a descriptor that becomes readable when the process ends. -1 with errno.
int linux_pidfd(pid_t process);

/// getxattr(2). Bytes of the value, or -1 with errno.
ssize_t linux_getxattr(const char *path, const char *name, void *value, size_t capacity);

/// setxattr(2). 0, or -1 with errno.
int linux_setxattr(const char *path, const char *name, const void *value, size_t byte_count);

/// flock(2) for an exclusive lock, without waiting. 0, or -1 with errno (EWOULDBLOCK: taken).
int linux_lock_file(int fd);

// dup3 with O_CLOEXEC: Swift does not see names of _GNU_SOURCE.
int linux_replace_descriptor(int from, int to);

/// Maps `byte_count` bytes of zeroes (a multiple of 4096) that are there at once: no page fault
/// later. In huge pages where they are wanted and granted. NULL with errno (ENOMEM).
void *linux_map_pages(size_t byte_count, bool wants_huge);

/// Gives this thread alone another effective user, group and list of groups. The real and the saved
/// user stay, so a thread of root's can go back by the same call. 0, or -1 with errno.
int linux_act_as(uid_t user, gid_t group, const gid_t *groups, size_t count);

/// Makes the whole process another user's, all threads of it, but for the saved user: with that,
/// `linux_be_root_again` works until `linux_give_root_up`. 0, or -1 with errno.
int linux_become(uid_t user, gid_t group, const gid_t *groups, size_t count);
int linux_be_root_again(void);
/// For good: no user of root's and no capability is left. 0, or -1 with errno (EPERM: something is
/// left in spite of it).
int linux_give_root_up(uid_t user);

/// Whether set-user-ID programs have no effect for what this process starts (PR_SET_NO_NEW_PRIVS).
bool linux_has_no_new_privileges(void);
