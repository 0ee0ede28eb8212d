internal import CLinux
internal import Glibc
internal import Synchronization

/// The kernel's open file description: what a descriptor stands for, with its locks; closed when
/// the last ``DeviceFile`` that uses it goes.
final class FileDescription: Sendable {
  let descriptor: CInt
  private let users = Atomic<Int>(0)

  init(_ descriptor: CInt) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  func addUser() { users.wrappingAdd(1, ordering: .relaxed) }
  func removeUser() { users.wrappingSubtract(1, ordering: .acquiringAndReleasing) }

  /// Whether it is several devices' files: then nothing but transfers may be done to it.
  var isShared: Bool { users.load(ordering: .acquiring) > 1 }
}

extension DeviceFile {
  /// Whether another leg uses the same open file description.
  public var isShared: Bool { description.isShared }

  /// The same open device for another region, so that many legs in one disk or file take one
  /// descriptor; nil where that is not safe, or direct access cannot serve the region.
  ///
  /// Linux tells of a write that the page cache has lost once for each open file description: of
  /// two buffered legs that share one, the first flush would hide the other's loss (rule M8). So
  /// only direct legs share, whose writes fail by themselves, and files in memory.
  public convenience init?(sharing other: DeviceFile, region: SectorRange) {
    guard other.device.isDirect || other.device.latency == .memory,
      other.device.isAligned(region)
    else { return nil }
    self.init(other)
  }

  /// Opens the path anew, for this leg alone, and moves its lock there: those that share the old
  /// description keep it, as their own losses are told there.
  ///
  /// - Throws: as ``reopen(locking:)``.
  public func openedAlone(locking sectors: SectorRange) throws(Errno) -> DeviceFile {
    let access: Access = device.isDirect ? .direct : .buffered
    let fresh = try DeviceFile(path: path, access: access, isReadOnly: isReadOnly)
    guard fresh.device.canReplace(device) else { throw .stale }
    unlock()
    do throws(Errno) { try fresh.lock(sectors) } catch {
      try? lock(sectors)
      throw error
    }
    return fresh
  }
}

extension Device {
  /// Whether transfers made for the other will do here, too.
  func canReplace(_ other: Device) -> Bool {
    kind == other.kind && logicalBlockByteCount <= other.logicalBlockByteCount
      && capacity >= other.capacity
  }
}
