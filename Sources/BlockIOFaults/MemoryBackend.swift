public import BlockIO
internal import Synchronization

/// A backend whose devices live in RAM, for tests.
///
/// Any thread may make devices and look at them. Transfers to disjoint ranges may run on any number
/// of threads at once; those that overlap leave either's bytes, as on a disk, so whoever lets them
/// overlap on two threads has a data race.
public final class MemoryBackend: Backend {
  public let name = "memory"

  private let disks = ConditionLock<[CInt: MemoryDisk]>([:])

  public init() {}

  /// Makes a device full of zeroes; it lives as long as the backend.
  ///
  /// - Parameter logicalBlockByteCount: 512 or 4096; transfers that do not start and end on it
  ///   fail with EINVAL, as on a disk opened for direct I/O.
  public func makeDevice(
    capacity: SectorCount, logicalBlockByteCount: Int = sectorByteCount
  ) -> Device {
    let disk = MemoryDisk(
      byteCount: Int(capacity.byteCount), blockByteCount: logicalBlockByteCount)
    let number = disks.withLock { disks -> CInt in
      let number = CInt(disks.count)
      disks[number] = disk
      return number
    }
    return Device(
      descriptor: number, isDirect: logicalBlockByteCount > sectorByteCount,
      logicalBlockByteCount: logicalBlockByteCount, capacity: capacity)
  }

  public func makeQueue(isBoundToThread: Bool) throws(Errno) -> any TransferQueue {
    MemoryQueue(backend: self)
  }

  /// A copy of what a device holds.
  public func contents(of device: Device) -> [UInt8] { disk(device).contents() }

  /// Puts bytes onto a device behind the engine's back, as corruption does.
  public func overwrite(_ device: Device, at byteOffset: Int, with bytes: [UInt8]) {
    disk(device).overwrite(at: byteOffset, with: bytes)
  }

  /// Makes the device end earlier than its `Device` value says: a leg that was cut.
  public func cut(_ device: Device, to capacity: SectorCount) {
    disk(device).cut(to: Int(capacity.byteCount))
  }

  /// How many flushes the device has seen; a write-through counts as one.
  public func flushCount(of device: Device) -> Int { disk(device).flushCount }

  /// Traps on a device that another backend made.
  func disk(_ device: Device) -> MemoryDisk {
    guard let disk = disks.withLock({ $0[device.descriptor] }) else {
      preconditionFailure("not a device of this backend")
    }
    return disk
  }
}

/// The bytes of one device.
@safe final class MemoryDisk: @unchecked Sendable {
  // Sendable: the memory stays where it is from init to deinit, and users keep to disjoint ranges;
  // the counts are atomic. Safe: no pointer leaves.
  private let bytes: UnsafeMutableRawBufferPointer
  private let blockByteCount: Int
  private let endByteCount: Atomic<Int>
  private let flushes = Atomic<Int>(0)

  init(byteCount: Int, blockByteCount: Int) {
    unsafe bytes = .allocate(byteCount: byteCount, alignment: 4096)
    unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0)
    self.blockByteCount = blockByteCount
    endByteCount = Atomic(byteCount)
  }

  deinit { unsafe bytes.deallocate() }

  // Relaxed: counts that order nothing.
  var flushCount: Int { flushes.load(ordering: .relaxed) }
  func cut(to byteCount: Int) {
    endByteCount.store(min(byteCount, unsafe bytes.count), ordering: .relaxed)
  }

  func contents() -> [UInt8] { unsafe [UInt8](bytes) }

  func overwrite(at byteOffset: Int, with new: [UInt8]) {
    unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[byteOffset..<byteOffset + new.count])
      .copyBytes(from: new)
  }

  /// Carries a transfer out to its end.
  func perform(_ transfer: Transfer) -> TransferResult {
    var result = TransferResult(tag: transfer.tag, errorNumber: 0, byteCount: transfer.byteCount)
    guard transfer.operation != .flush else {
      flushes.add(1, ordering: .relaxed)
      return result
    }
    guard transfer.byteOffset % UInt64(blockByteCount) == 0,
      transfer.byteCount % blockByteCount == 0
    else {
      result.errorNumber = Errno.invalid.rawValue
      result.byteCount = 0
      return result
    }
    let start = Int(transfer.byteOffset)
    let end = endByteCount.load(ordering: .relaxed)
    let movable = max(0, min(transfer.byteCount, end - start))
    move(transfer, to: start, byteCount: movable)
    if transfer.operation == .writeThrough { flushes.add(1, ordering: .relaxed) }
    if movable < transfer.byteCount {
      result.errorNumber = Errno.ioError.rawValue
      result.byteCount = movable
    }
    return result
  }

  private func move(_ transfer: Transfer, to start: Int, byteCount: Int) {
    let target = unsafe UnsafeMutableRawBufferPointer(
      rebasing: bytes[start..<start + byteCount])
    guard transfer.operation.movesData else {
      unsafe target.initializeMemory(as: UInt8.self, repeating: 0)
      return
    }
    var cursor = MemoryCursor(transfer.memory)
    var offset = 0
    while offset < byteCount, let piece = unsafe cursor.piece(limit: byteCount - offset) {
      let part = unsafe UnsafeMutableRawBufferPointer(
        rebasing: target[offset..<offset + piece.count])
      if transfer.operation == .read {
        unsafe piece.copyMemory(from: UnsafeRawBufferPointer(part))
      } else {
        unsafe part.copyMemory(from: UnsafeRawBufferPointer(piece))
      }
      cursor.advance(by: piece.count)
      offset += piece.count
    }
  }
}
