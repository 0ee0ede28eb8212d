internal import CLinux
internal import Glibc

/// An open block device or plain file, as one leg uses it: knows what transfers it takes.
///
/// Safe to share between threads; transfers use ``device``. The file must outlive them: the
/// descriptor is closed when the last reference goes, and the last that shares it.
public final class DeviceFile: Sendable {
  /// Whether transfers go past the kernel's page cache (rule M19).
  public enum Access: Sendable {
    /// Direct wherever the device allows it for the region in question.
    case automatic
    case direct
    case buffered
  }

  /// The largest logical block in bytes that is taken directly; what has larger ones is buffered.
  static let mostLogicalBlock = 4096

  public let path: String
  public let device: Device
  let isReadOnly: Bool
  /// Whether ``seek(toHole:from:)`` knows holes, and answers without asking another process.
  public let tellsHoles: Bool
  let description: FileDescription
  /// What ``lock(_:)`` keeps; of a description that others use, nothing else gives it free.
  let locked = ConditionLock<SectorRange?>(nil)

  /// Opens `path` for reading and writing (or reading alone).
  ///
  /// - Parameter region: the sectors that will be used; direct access is only possible when they
  ///   start and end on the device's logical blocks.
  /// - Throws: the errno of open(2); EINVAL when `direct` was asked for and is not possible;
  ///   ENOTBLK when the path is neither a plain file nor a block device.
  public init(
    path: String, access: Access, isReadOnly: Bool = false, region: SectorRange? = nil
  ) throws(Errno) {
    self.path = path
    self.isReadOnly = isReadOnly
    let flags = (isReadOnly ? O_RDONLY : O_RDWR) | O_CLOEXEC
    if access != .buffered {
      let descriptor = unsafe linux_open(path, flags | linux_O_DIRECT, 0)
      if descriptor >= 0 {
        let found = Self.survey(descriptor, isDirect: true)
        if let device = found, device.latency != .memory, device.isAligned(region),
          device.logicalBlockByteCount <= Self.mostLogicalBlock
        {
          self.device = device
          description = FileDescription(descriptor)
          description.addUser()
          tellsHoles = device.kind == .file && !linux_is_fuse_file(descriptor)
          return
        }
        Glibc.close(descriptor)
      } else if errno != EINVAL {
        throw Errno.last
      }
      if access == .direct { throw Errno.invalid }
    }
    let descriptor = unsafe linux_open(path, flags, 0)
    guard descriptor >= 0 else { throw Errno.last }
    guard let device = Self.survey(descriptor, isDirect: false) else {
      Glibc.close(descriptor)
      throw Errno(ENOTBLK)
    }
    self.device = device
    description = FileDescription(descriptor)
    description.addUser()
    tellsHoles = device.kind == .file && !linux_is_fuse_file(descriptor)
  }

  init(_ other: DeviceFile) {
    (path, device, isReadOnly) = (other.path, other.device, other.isReadOnly)
    tellsHoles = other.tellsHoles
    description = other.description
    description.addUser()
  }

  deinit {
    // A description that nobody else uses takes its locks along.
    if isShared { unlock() }
    description.removeUser()
  }

  /// Lets the device go, with its lock, but keeps the descriptor's number: transfers that are still
  /// made come to nothing, and never to another file.
  ///
  /// - Parameter isLate: whether such transfers may come. Where others share the description they
  ///   would arrive, so the lock then stays for as long as this file lives.
  public func detach(isLate: Bool) {
    if isShared {
      if !isLate { unlock() }
      return
    }
    let nothing = unsafe linux_open("/dev/null", O_RDWR | O_CLOEXEC, 0)
    guard nothing >= 0 else { return }
    _ = linux_replace_descriptor(nothing, device.descriptor)
    Glibc.close(nothing)
  }

  /// Sectors that the device holds now; differs from `device.capacity` when it grew or shrank.
  public func currentCapacity() -> SectorCount? {
    Self.survey(device.descriptor, isDirect: device.isDirect)?.capacity
  }

  /// Keeps every other program that locks from using these sectors, for as long as this is open.
  ///
  /// - Throws: EAGAIN when somebody has a lock there. A file system without locks is no error.
  public func lock(_ sectors: SectorRange) throws(Errno) {
    guard sectors.count.rawValue > 0 else { return }
    let failed = linux_lock_range(
      device.descriptor, sectors.first.byteOffset, sectors.count.byteCount)
    if failed != 0, errno == EAGAIN || errno == EACCES { throw Errno.wouldBlock }
    locked.withLock { $0 = sectors }
  }

  /// Gives free what ``lock(_:)`` has taken.
  public func unlock() {
    let sectors = locked.withLock { locked in
      defer { locked = nil }
      return locked
    }
    guard let sectors else { return }
    _ = linux_unlock_range(device.descriptor, sectors.first.byteOffset, sectors.count.byteCount)
  }

  /// The first byte of data, or of a hole, at or behind `byteOffset`; nil when there is none.
  ///
  /// A device that cannot tell is all data.
  public func seek(toHole: Bool, from byteOffset: UInt64) -> UInt64? {
    let whence = toHole ? linux_SEEK_HOLE : linux_SEEK_DATA
    let found = lseek(device.descriptor, off_t(byteOffset), whence)
    if found >= 0 { return UInt64(found) }
    if errno == ENXIO { return nil }
    return toHole ? nil : byteOffset
  }

  private static func survey(_ descriptor: CInt, isDirect: Bool) -> Device? {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { return nil }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return surveyFile(descriptor, byteCount: UInt64(status.st_size), isDirect)
    case S_IFBLK: return surveyBlockDevice(descriptor, isDirect)
    default: return nil
    }
  }

  private static func surveyFile(_ descriptor: CInt, byteCount: UInt64, _ isDirect: Bool) -> Device
  {
    var device = Device(
      descriptor: descriptor, kind: .file, latency: isDirect ? .device : .pageCache,
      isDirect: isDirect, capacity: SectorCount(byteCount / UInt64(sectorByteCount)))
    if linux_is_memory_file(descriptor) { device.latency = .memory }
    guard isDirect, !linux_is_fuse_file(descriptor) else { return device }
    let alignment = linux_direct_alignment_of(descriptor)
    // A file system that cannot tell gets what every one of them takes: a page.
    device.logicalBlockByteCount = alignment.offset > 0 ? Int(alignment.offset) : 4096
    device.memoryAlignment = alignment.memory > 0 ? Int(alignment.memory) : 4096
    return device
  }

  private static func surveyBlockDevice(_ descriptor: CInt, _ isDirect: Bool) -> Device? {
    var byteCount: UInt64 = 0
    var logicalBlock: UInt32 = 0
    guard unsafe linux_block_device_geometry(descriptor, &byteCount, &logicalBlock) == 0 else {
      return nil
    }
    var device = Device(
      descriptor: descriptor, kind: .blockDevice, latency: isDirect ? .device : .pageCache,
      isDirect: isDirect, capacity: SectorCount(byteCount / UInt64(sectorByteCount)))
    if isDirect {
      let alignment = linux_direct_alignment_of(descriptor)
      device.logicalBlockByteCount = max(Int(logicalBlock), sectorByteCount)
      device.memoryAlignment = alignment.memory > 0 ? Int(alignment.memory) : 4096
    }
    return device
  }
}

extension Device {
  /// Whether a region starts and ends on logical blocks. No region: nothing stands against it.
  func isAligned(_ region: SectorRange?) -> Bool {
    guard let region else { return true }
    let unit = UInt64(logicalBlockByteCount)
    return region.first.byteOffset % unit == 0 && region.count.byteCount % unit == 0
  }
}

/// A block device held for exclusive use, so that nobody mounts it under a running mirror.
public final class DeviceClaim: Sendable {
  private let descriptor: ConditionLock<CInt>

  /// - Throws: EBUSY while the device is mounted, part of an array, or claimed by somebody else.
  public init(blockDevice path: String) throws(Errno) {
    let claimed = unsafe linux_claim_block_device(path)
    if claimed < 0 { throw Errno.last }
    descriptor = ConditionLock(claimed)
  }

  deinit { release() }

  /// Gives the device free before the claim goes.
  public func release() {
    descriptor.withLock { descriptor in
      if descriptor >= 0 { close(descriptor) }
      descriptor = -1
    }
  }
}
