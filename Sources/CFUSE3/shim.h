// libfuse3's low-level API and the kernel's own request headers, as Swift sees them.
#pragma once
#define FUSE_USE_VERSION 314
#include <features.h>
#include <stdbool.h>

#include <fuse3/fuse_lowlevel.h>
#include <linux/fuse.h>

// libfuse 3.17 and later turn fuse_session_new into a macro, which Swift does not import.
static inline struct fuse_session *mirrorfs_session_new(struct fuse_args *arguments,
                                                        const struct fuse_lowlevel_ops *operations,
                                                        void *userdata) {
    return fuse_session_new(arguments, operations, sizeof *operations, userdata);
}

// FUSE_CAP_* are bit shifts whose type differs between libfuse versions: say the wish here.
//
// Not wanted: ATOMIC_O_TRUNC, so that every truncation is a SETATTR; AUTO_INVAL_DATA, because
// nobody else changes the data; splicing, which copies more than it saves. WRITEBACK_CACHE only
// where a volume asks for it: it is the whole mount's.
static inline void mirrorfs_negotiate(struct fuse_conn_info *connection, bool gathers_writes) {
    connection->want &= ~(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE |
                          FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_WRITEBACK_CACHE |
                          FUSE_CAP_AUTO_INVAL_DATA);
    connection->want |= (FUSE_CAP_ASYNC_READ | FUSE_CAP_ASYNC_DIO | FUSE_CAP_PARALLEL_DIROPS |
                         (gathers_writes ? FUSE_CAP_WRITEBACK_CACHE : 0)) &
                        connection->capable;
}

// An inode number that libfuse reserves for the root; a macro in C.
static const fuse_ino_t mirrorfs_root = FUSE_ROOT_ID;

// Bits of to_set, which are macros with casts in some versions.
static const int mirrorfs_set_mode = FUSE_SET_ATTR_MODE;
static const int mirrorfs_set_uid = FUSE_SET_ATTR_UID;
static const int mirrorfs_set_gid = FUSE_SET_ATTR_GID;
static const int mirrorfs_set_size = FUSE_SET_ATTR_SIZE;
static const int mirrorfs_set_atime = FUSE_SET_ATTR_ATIME;
static const int mirrorfs_set_mtime = FUSE_SET_ATTR_MTIME;
static const int mirrorfs_set_atime_now = FUSE_SET_ATTR_ATIME_NOW;
static const int mirrorfs_set_mtime_now = FUSE_SET_ATTR_MTIME_NOW;

// What an OPEN is answered with: keep the page cache (nobody else changes the data), let direct
// writes run side by side, and send no FLUSH at each close (a write is at the legs when it ends;
// where the kernel gathers writes it sends them at each close all the same).
static const uint32_t mirrorfs_open_flags =
    FOPEN_KEEP_CACHE | FOPEN_NOFLUSH | FOPEN_PARALLEL_DIRECT_WRITES;

// The same for a handle past the page cache; without it direct writes do not run side by side.
static const uint32_t mirrorfs_open_direct = FOPEN_DIRECT_IO;
