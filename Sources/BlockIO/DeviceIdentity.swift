internal import CLinux
internal import Glibc

extension DeviceFile {
  /// The device number of a block device, the inode number of a file: the same for every path to
  /// it on one file system.
  public var identity: UInt64 {
    var status = stat()
    guard unsafe fstat(device.descriptor, &status) == 0 else { return 0 }
    return status.st_mode & S_IFMT == S_IFBLK ? UInt64(status.st_rdev) : UInt64(status.st_ino)
  }

  /// When the file's contents last changed, by its file system: seconds and nanoseconds since 1970;
  /// zero for block devices, which have no such time.
  public func modificationTime() -> (seconds: Int64, nanoseconds: UInt32) {
    var status = stat()
    guard unsafe fstat(device.descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      return (0, 0)
    }
    return (Int64(status.st_mtim.tv_sec), UInt32(status.st_mtim.tv_nsec))
  }

  /// Opens the path again and puts what is there now in the place of what was open (rule M20): a
  /// file whose file system has failed stays broken for every descriptor from before.
  ///
  /// Not for a description that is shared. Transfers under way end on what was open. The
  /// descriptor's number stays, so nobody else has to know.
  /// - Throws: the errno of open(2); ESTALE when it is no longer a device of the same kind, size
  ///   and alignment; EAGAIN when somebody else has a lock there. Then all is as it was.
  public func reopen(locking sectors: SectorRange) throws(Errno) {
    precondition(!isShared, "what others use is not replaced under them")
    let found = try openedAlone(locking: sectors)
    guard linux_replace_descriptor(found.device.descriptor, device.descriptor) >= 0 else {
      throw Errno.last
    }
    // The lock came along; forgotten, it would be in the way of the next time.
    locked.withLock { $0 = sectors }
  }

  /// Has the page cache forget these sectors of a direct device, as who made or copied the file has
  /// left them there: each page would send one direct write the slow way, through a kernel thread
  /// (io_uring) or a wait for its writing. Waits until what is dirty is written; for first use.
  public func dropCache(of sectors: SectorRange) {
    guard device.isDirect else { return }
    linux_drop_cache(device.descriptor, sectors.first.byteOffset, sectors.count.byteCount)
  }

  /// Reserves the space of these sectors without changing what they hold (fallocate(2)).
  ///
  /// - Throws: ENOSPC, EOPNOTSUPP where the file system knows no reservation, or another errno.
  public func reserve(_ sectors: SectorRange) throws(Errno) {
    let failed = linux_fallocate(
      device.descriptor, linux_FALLOC_KEEP_SIZE, off_t(sectors.first.byteOffset),
      off_t(sectors.count.byteCount))
    if failed != 0 { throw Errno.last }
  }

  /// Makes a file of `byteCount` zero bytes that take no space yet; an empty one is taken as it is.
  ///
  /// - Throws: EEXIST when the file has contents, else the errno of open(2) or ftruncate(2).
  public static func makeSparse(path: String, byteCount: UInt64) throws(Errno) {
    let descriptor = unsafe linux_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Errno.last }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw Errno.last }
    guard status.st_size == 0 else { throw Errno(EEXIST) }
    guard ftruncate(descriptor, off_t(byteCount)) == 0, fsync(descriptor) == 0 else {
      throw Errno.last
    }
  }
}
