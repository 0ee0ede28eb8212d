internal import BlockIO
internal import CFUSE3
internal import CLinux
internal import Glibc

/// The answer that a request is owed which libfuse has taken apart.
///
/// Consumed by answering; a request that is forgotten is answered with EIO, and never hangs.
/// Safe: the pointer stays in here.
@safe struct Reply: ~Copyable {
  private let request: fuse_req_t

  init(_ request: fuse_req_t) { unsafe self.request = unsafe request }

  deinit { unsafe fuse_reply_err(request, EIO) }

  /// The request's end without libfuse's leave: every answer goes through here once.
  private consuming func take() -> fuse_req_t {
    let request = unsafe self.request
    discard self
    return unsafe request
  }

  consuming func succeed() { unsafe fuse_reply_err(take(), 0) }

  consuming func fail(_ error: Errno) { unsafe fuse_reply_err(take(), error.rawValue) }

  /// - Parameter validSeconds: how long the kernel may keep the attributes.
  consuming func attributes(_ attributes: stat, validSeconds: Double) {
    var attributes = attributes
    unsafe fuse_reply_attr(take(), &attributes, validSeconds)
  }

  consuming func entry(_ attributes: stat, validSeconds: Double) {
    var entry = fuse_entry_param()
    entry.ino = fuse_ino_t(attributes.st_ino)
    entry.attr = attributes
    entry.attr_timeout = validSeconds
    entry.entry_timeout = validSeconds
    unsafe fuse_reply_entry(take(), &entry)
  }

  /// Answers an OPEN with flags that libfuse 3.14 has no names for. False when the caller has gone
  /// meanwhile, so that no RELEASE will come.
  consuming func opened(handle: UInt64, flags: UInt32) -> Bool {
    var answer = fuse_open_out(fh: handle, open_flags: flags, padding: 0)
    let request = unsafe take()
    return unsafe withUnsafeBytes(of: &answer) { bytes in
      unsafe fuse_reply_buf(
        request, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count) == 0
    }
  }

  consuming func bytes(_ bytes: UnsafeRawBufferPointer) {
    unsafe fuse_reply_buf(
      take(), bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
  }

  /// Answers a POLL with what is true of the file now.
  consuming func polled(_ events: UInt32) { unsafe fuse_reply_poll(take(), events) }

  consuming func offset(_ offset: UInt64) { unsafe fuse_reply_lseek(take(), off_t(offset)) }

  consuming func statistics(_ statistics: statvfs) {
    var statistics = statistics
    unsafe fuse_reply_statfs(take(), &statistics)
  }

  /// Answers GETXATTR and LISTXATTR: size 0 asks for the length, a small buffer is ERANGE.
  consuming func attributeValue(_ value: [UInt8], capacity: Int) {
    if capacity == 0 {
      unsafe fuse_reply_xattr(take(), value.count)
    } else if value.count > capacity {
      fail(.outOfRange)
    } else {
      let request = unsafe take()
      unsafe value.withUnsafeBytes { bytes in
        unsafe _ = fuse_reply_buf(
          request, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
      }
    }
  }
}
