public import BlockIO
public import BlockIOFaults
public import DMIO
public import Mirror

/// What a truncation to less than the volume's size does (rule F2).
public enum TruncatePolicy: Sendable {
  /// What is cut off reads as zeroes; the size stays.
  case zero
  /// Nothing happens, and the caller is told that it did.
  case ignore
  /// EPERM.
  case refuse
}

/// How the kernel's page cache is used for a volume.
public enum CacheMode: Sendable {
  /// Reads are cached; a write is at the legs when it ends.
  case writethrough
  /// The kernel gathers writes, and sends them when it likes, at fsync, and at close.
  case writeback
  /// Every read and write comes here.
  case none
}

/// Who may use a volume: enforced by the kernel (rule F7).
public struct VolumeAccess: Sendable {
  /// Permission bits, 0...0o777.
  public var mode: UInt32
  public var owner: UInt32
  public var group: UInt32
  public var isReadOnly: Bool

  public init(mode: UInt32, owner: UInt32, group: UInt32, isReadOnly: Bool = false) {
    self.mode = mode
    self.owner = owner
    self.group = group
    self.isReadOnly = isReadOnly
  }
}

/// What can be said of a volume anew while it is in use.
struct VolumeSettings: Sendable {
  var access: VolumeAccess
  var truncatePolicy: TruncatePolicy
}

/// One virtual file: a named byte range of fixed size, kept on a mirror set (rule F1).
///
/// Any byte offset and length is legal. All members are safe on any thread; each does its I/O on
/// the lane that it is given, which belongs to the calling thread.
public final class Volume: Sendable {
  public let name: String
  public let isReadOnly: Bool
  private let settings: ConditionLock<VolumeSettings>
  public let cache: CacheMode
  public let mirror: MirrorSet
  /// Size in bytes; it never changes.
  public let byteCount: UInt64

  /// Nil where no faults can be rehearsed.
  let drill: FaultDrill?
  /// Called when what the kernel may have read was not what the legs hold.
  public let whenContentsChanged = ConditionLock<(@Sendable () -> Void)?>(nil)
  /// What changed of late, as far as somebody noted it.
  public let history: ChangeHistory

  let clock = VolumeClock()
  let handles = ConditionLock(HandleCounts())

  public init(
    name: String, mirror: MirrorSet, access: VolumeAccess,
    truncatePolicy: TruncatePolicy = .zero, cache: CacheMode = .writethrough,
    drill: FaultDrill? = nil, history: ChangeHistory = ChangeHistory()
  ) {
    self.drill = drill
    self.name = name
    self.history = history
    self.cache = cache
    self.mirror = mirror
    isReadOnly = access.isReadOnly
    settings = ConditionLock(VolumeSettings(access: access, truncatePolicy: truncatePolicy))
    byteCount = mirror.sectorCount.byteCount
    precondition(mirror.logicalBlockByteCount <= Self.mostBlock, "buffers are padded for 4 KiB")
  }

  public var access: VolumeAccess { settings.withLock { $0.access } }
  public var truncatePolicy: TruncatePolicy { settings.withLock { $0.truncatePolicy } }

  /// Says anew who may use the volume, and what a truncation does. Read-only stays what it was.
  public func set(_ access: VolumeAccess, _ truncatePolicy: TruncatePolicy) {
    settings.withLock { settings in
      settings = VolumeSettings(access: access, truncatePolicy: truncatePolicy)
      settings.access.isReadOnly = isReadOnly
    }
  }

  /// Whether some transfers wait for a device each time, and not only when a cache is full.
  public var hasDirectLegs: Bool {
    mirror.legs.contains { $0.region.device.latency == .device }
  }

  /// Unit in bytes that every leg can address.
  var block: UInt64 { UInt64(mirror.logicalBlockByteCount) }

  /// Makes everything written so far durable (rule M8).
  ///
  /// - Throws: the errno of a leg, once, when something written is on no leg any more.
  public func flush(on lane: IOLane) throws(Errno) { try mirror.flush(on: lane) }

  /// Flushes without anybody asking for it; a loss is reported by the next ``flush(on:)``.
  public func flushUnasked(on lane: IOLane) { mirror.flushUnasked(on: lane) }

  /// Bytes of memory that a read or write of `byteCount` bytes needs for its ragged edges.
  public static func paddedByteCount(_ byteCount: Int) -> Int { byteCount + 2 * mostBlock }
  /// The largest logical block that is known to exist, in bytes.
  static let mostBlock = 4096

  /// Checks that a change is allowed at all.
  func checkWritable() throws(Errno) {
    if isReadOnly { throw .readOnly }
  }

  /// The blocks that hold these bytes.
  func blocks(of bytes: Range<UInt64>) -> SectorRange {
    let first = bytes.lowerBound / block * block
    let end = (bytes.upperBound + block - 1) / block * block
    return sectors(first..<end)
  }

  /// Bytes that are whole sectors, as sectors.
  func sectors(_ bytes: Range<UInt64>) -> SectorRange {
    SectorRange(
      Sector(bytes.lowerBound / UInt64(sectorByteCount)),
      upTo: Sector(bytes.upperBound / UInt64(sectorByteCount)))
  }
}
