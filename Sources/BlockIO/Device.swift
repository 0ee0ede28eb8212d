/// An open device, as transfers see it: plain values, copied freely, no ownership.
///
/// The kernel's `struct block_device`. Whoever opened the device (``DeviceFile``) keeps the
/// descriptor open for as long as transfers to it may be under way.
public struct Device: Sendable {
  /// What waits when a transfer is made by an ordinary system call.
  public enum Latency: UInt8, Sendable {
    /// Memory only (tmpfs, ramfs): a system call returns at the speed of a copy.
    case memory
    /// Through the page cache: writes return at memory speed, reads and flushes may wait.
    case pageCache
    /// Every transfer waits for the device (O_DIRECT).
    case device
  }

  /// What stands behind the descriptor.
  public enum Kind: UInt8, Sendable { case file, blockDevice }

  /// The open descriptor, or the number by which another backend knows the device.
  public var descriptor: CInt
  public var kind: Kind
  public var latency: Latency
  /// Whether transfers bypass the page cache, so that memory and length must be aligned.
  public var isDirect: Bool
  /// Unit in bytes of what the device can address: 512 or 4096; offsets and lengths of direct
  /// transfers are multiples of it. 512 for anything that is not direct.
  public var logicalBlockByteCount: Int
  /// Alignment in bytes that direct transfers ask of memory addresses; 1 if none.
  public var memoryAlignment: Int
  /// Sectors that the device holds; a region beyond fails by itself (rule E13).
  public var capacity: SectorCount

  public init(
    descriptor: CInt, kind: Kind = .file, latency: Latency = .memory, isDirect: Bool = false,
    logicalBlockByteCount: Int = sectorByteCount, memoryAlignment: Int = 1, capacity: SectorCount
  ) {
    self.descriptor = descriptor
    self.kind = kind
    self.latency = latency
    self.isDirect = isDirect
    self.logicalBlockByteCount = logicalBlockByteCount
    self.memoryAlignment = memoryAlignment
    self.capacity = capacity
  }
}

/// Where on which device a transfer goes: the kernel's `struct io_region`.
///
/// A region with no sectors is ignored, except by a flush, where it names the device (rule E1).
public struct Region: Sendable {
  public var device: Device
  public var sectors: SectorRange

  @inlinable public init(device: Device, sectors: SectorRange) {
    self.device = device
    self.sectors = sectors
  }

  /// Whether the region lies within its device.
  @inlinable public var isWithinDevice: Bool {
    sectors.first.rawValue <= device.capacity.rawValue
      && sectors.count.rawValue <= device.capacity.rawValue - sectors.first.rawValue
  }
}
