internal import BlockIO
internal import CLinux
internal import Glibc

/// What a leg's bytes end up in, once links, partitions and loop devices are looked through.
struct StorageGround {
  enum Base: Hashable {
    /// A file, by the identity that hard links share.
    case file(device: UInt64, inode: UInt64)
    /// A block device that stands on nothing we can see ("MAJOR:MINOR").
    case blockDevice(String)
    /// A file that is to be made, by its folder.
    case missing(device: UInt64, inode: UInt64, name: String)
  }

  var base: Base
  /// Where the leg's byte 0 lies in the base.
  var byteOffset: UInt64 = 0
  /// Real paths of every file and device on the way down, the leg's own first.
  var paths: [String]

  /// More layers than anybody stacks; ends a loop device that stands on itself.
  private static let maximumDepth = 16

  /// Follows a partition to its device and a loop device to its file, until neither is left.
  static func of(blockDevice deviceNumber: String) -> StorageGround {
    var ground = StorageGround(base: .blockDevice(deviceNumber), paths: [])
    for _ in 0..<maximumDepth {
      guard case .blockDevice(let number) = ground.base else { break }
      let device = SysfsBlock(number)
      if let (parent, firstSector) = device.partition {
        ground.base = .blockDevice(parent)
        ground.byteOffset &+= firstSector &* UInt64(sectorByteCount)
      } else if let backing = loopBacking(of: device) {
        ground.base = backing.base
        ground.byteOffset &+= backing.byteOffset
        ground.paths += backing.paths
      } else {
        break
      }
    }
    return ground
  }

  /// One step down from a loop device; nil when it is none.
  private static func loopBacking(of device: SysfsBlock) -> StorageGround? {
    guard let path = device.loopBackingPath else { return nil }
    let status = FileStatus(path)
    // sysfs knows the path only, which may be deleted, replaced or of another mount namespace;
    // the device knows the file itself. But only a node's path tells which device it stands for.
    guard let backing = loopStatus(of: device) else {
      return status.map { ground(of: $0, path, device.loopByteOffset) }
    }
    if let status, status.device == backing.device, status.inode == backing.inode {
      return ground(of: status, path, backing.byte_offset)
    }
    return StorageGround(
      base: .file(device: backing.device, inode: backing.inode), byteOffset: backing.byte_offset,
      paths: [])
  }

  private static func ground(
    of status: FileStatus, _ path: String, _ byteOffset: UInt64
  ) -> StorageGround {
    let base: Base =
      status.kind == .blockDevice
      ? .blockDevice(status.deviceNumber) : .file(device: status.device, inode: status.inode)
    return StorageGround(base: base, byteOffset: byteOffset, paths: [RealPath.of(path) ?? path])
  }

  private static func loopStatus(of device: SysfsBlock) -> linux_loop_backing? {
    guard let node = device.node else { return nil }
    let descriptor = unsafe linux_open(node, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var backing = linux_loop_backing()
    return unsafe linux_loop_backing_of(descriptor, &backing) == 0 ? backing : nil
  }
}
