public import CLinux
internal import Glibc

/// One system call's worth of a transfer.
@safe public enum TransferStep {
  case read(UnsafeMutableRawPointer, byteCount: Int, offset: UInt64)
  case write(UnsafeMutableRawPointer, byteCount: Int, offset: UInt64)
  case readVectors(UnsafePointer<iovec>, count: Int, offset: UInt64)
  case writeVectors(UnsafePointer<iovec>, count: Int, offset: UInt64, isDurable: Bool)
  case flush
  case allocate(mode: CInt, offset: UInt64, byteCount: Int)
  case discardBlocks(offset: UInt64, byteCount: Int)
}

/// A transfer on its way through a backend: cuts it into steps and takes each step's outcome.
///
/// Both backends use it, so that short transfers, retries, alignment and limits are handled once.
/// A progress is reused for transfer after transfer; its window and bounce buffer stay. Safe: its
/// pointers never leave but for the length of a step; where access is not checked at run time, no
/// access lasts longer than a call in here.
@safe public final class TransferProgress {
  /// Vectors in one step; UIO_MAXIOV is 1024, and longer steps gain nothing.
  static let windowCount = 128
  /// Most bytes in one step; the kernel cuts at 2 GiB - 4 KiB.
  static let stepByteCount = 1 << 30
  /// Bytes of the buffer through which misaligned memory reaches a direct device.
  static let bounceByteCount = 256 * 1024
  static let bounceAlignment = 4096
  /// How often in a row a device may answer EAGAIN, before that is its error.
  static let mostEmptyAttempts = 1000

  @safe @exclusivity(unchecked) private var current: Transfer
  @safe @exclusivity(unchecked) private var cursor: MemoryCursor
  private var doneByteCount = 0
  private var failedAttempts = 0
  private var emptyAttempts = 0
  private var bouncedByteCount = 0
  /// Made when first needed: contiguous, aligned transfers use neither.
  private var window: UnsafeMutablePointer<iovec>?
  private var bounce: UnsafeMutableRawPointer?

  public var transfer: Transfer { current }

  public init() {
    current = Transfer(
      tag: 0, operation: .flush, device: Device(descriptor: -1, capacity: SectorCount(0)),
      byteOffset: 0, byteCount: 0, memory: .none)
    cursor = MemoryCursor(.none)
  }

  deinit {
    unsafe window?.deallocate()
    unsafe bounce?.deallocate()
  }

  /// Starts over with another transfer.
  public func begin(_ transfer: Transfer) {
    current = transfer
    cursor = MemoryCursor(transfer.memory)
    doneByteCount = 0
    failedAttempts = 0
    emptyAttempts = 0
  }

  /// The only step of a transfer that needs no more than one; nil for one that may. It is the first
  /// that ``nextStep()`` would give.
  func simpleStep(of transfer: Transfer) -> TransferStep? {
    guard case .contiguous(let start, _) = transfer.memory, !transfer.device.isDirect,
      transfer.byteCount <= Self.stepByteCount
    else { return nil }
    switch transfer.operation {
    case .read:
      return unsafe .read(start, byteCount: transfer.byteCount, offset: transfer.byteOffset)
    case .write:
      return unsafe .write(start, byteCount: transfer.byteCount, offset: transfer.byteOffset)
    default: return nil
    }
  }

  /// What to ask of the kernel next.
  public func nextStep() -> TransferStep {
    let offset = transfer.byteOffset + UInt64(doneByteCount)
    let left = transfer.byteCount - doneByteCount
    switch transfer.operation {
    case .flush: return .flush
    case .read, .write, .writeThrough: return dataStep(offset: offset, byteCount: left)
    case .discard:
      if transfer.device.kind == .blockDevice {
        return unsafe .discardBlocks(offset: offset, byteCount: left)
      }
      return unsafe .allocate(mode: Self.punch, offset: offset, byteCount: left)
    case .writeZeroes:
      return unsafe .allocate(
        mode: failedAttempts == 0 ? Self.punch : Self.zero, offset: offset, byteCount: left)
    case .writeZeroesReserved:
      return unsafe .allocate(
        mode: failedAttempts == 0 ? Self.zero : Self.punch, offset: offset, byteCount: left)
    }
  }

  /// Takes what the kernel answered to the last step: bytes moved, or a negative errno.
  ///
  /// Returns the transfer's result when it has ended, nil when there is another step.
  public func finishStep(_ returned: Int) -> TransferResult? {
    if returned == -Int(EINTR) { return nil }
    if returned == -Int(EAGAIN), emptyAttempts < Self.mostEmptyAttempts {
      emptyAttempts += 1
      return nil
    }
    guard transfer.operation.movesData else {
      if returned < 0, mayTryOtherMode(errorNumber: CInt(-returned)) { return nil }
      return result(errorNumber: CInt(min(0, returned)) * -1)
    }
    if returned < 0 { return result(errorNumber: CInt(-returned)) }
    // A device that moves nothing has ended too early: the file was cut, or the medium is gone.
    if returned == 0 { return result(errorNumber: EIO) }
    if bouncedByteCount > 0, transfer.operation == .read,
      let bounce = unsafe bounce
    {
      unsafe cursor.copyIn(from: UnsafeRawBufferPointer(start: bounce, count: returned))
    }
    cursor.advance(by: returned)
    doneByteCount += returned
    emptyAttempts = 0
    if doneByteCount == transfer.byteCount { return result(errorNumber: 0) }
    // A direct device stops within a block only where it ends; it would answer EINVAL from there.
    let device = transfer.device
    let isCut = device.isDirect && doneByteCount % device.logicalBlockByteCount > 0
    return isCut ? result(errorNumber: EIO) : nil
  }

  private static let punch = linux_FALLOC_PUNCH_HOLE | linux_FALLOC_KEEP_SIZE
  private static let zero = linux_FALLOC_ZERO_RANGE | linux_FALLOC_KEEP_SIZE

  /// Devices differ in which of the two ways to zero a range they know; each is tried once.
  private func mayTryOtherMode(errorNumber: CInt) -> Bool {
    let isZeroing =
      transfer.operation == .writeZeroes || transfer.operation == .writeZeroesReserved
    guard isZeroing, errorNumber == EOPNOTSUPP || errorNumber == EINVAL else { return false }
    failedAttempts += 1
    return failedAttempts == 1
  }

  private func result(errorNumber: CInt) -> TransferResult {
    TransferResult(
      tag: transfer.tag, errorNumber: errorNumber,
      byteCount: errorNumber == 0 ? transfer.byteCount : doneByteCount)
  }

  private func dataStep(offset: UInt64, byteCount: Int) -> TransferStep {
    bouncedByteCount = 0
    let limit = min(byteCount, Self.stepByteCount)
    let isRead = transfer.operation == .read
    if case .contiguous(let base, _) = transfer.memory,
      transfer.operation != .writeThrough
    {
      let start = unsafe base + doneByteCount
      if unsafe !transfer.device.isDirect || isAligned(start) {
        return isRead
          ? unsafe .read(start, byteCount: limit, offset: offset)
          : unsafe .write(start, byteCount: limit, offset: offset)
      }
    }
    guard let (vectors, count) = unsafe fillWindow(byteCount: limit) else {
      return bounceStep(offset: offset, byteCount: byteCount)
    }
    return isRead
      ? unsafe .readVectors(vectors, count: count, offset: offset)
      : unsafe .writeVectors(
        vectors, count: count, offset: offset, isDurable: transfer.operation == .writeThrough)
  }

  private func isAligned(_ address: UnsafeMutableRawPointer) -> Bool {
    Int(bitPattern: address) & (transfer.device.memoryAlignment - 1) == 0
  }

  private func madeWindow() -> UnsafeMutablePointer<iovec> {
    if let window = unsafe window { return unsafe window }
    let made = UnsafeMutablePointer<iovec>.allocate(capacity: Self.windowCount)
    unsafe window = unsafe made
    return unsafe made
  }

  /// The next pieces of memory as vectors; nil when a direct device cannot take them as they lie.
  private func fillWindow(byteCount: Int) -> (UnsafePointer<iovec>, Int)? {
    let window = unsafe madeWindow()
    let device = transfer.device
    var probe = cursor
    var count = 0
    var left = byteCount
    while count < Self.windowCount, left > 0, let piece = unsafe probe.piece(limit: left) {
      if device.isDirect {
        guard let base = piece.baseAddress, unsafe isAligned(base),
          piece.count % device.logicalBlockByteCount == 0
        else { break }
      }
      unsafe window[count] = iovec(iov_base: piece.baseAddress, iov_len: piece.count)
      probe.advance(by: piece.count)
      count += 1
      left -= piece.count
    }
    return count == 0 ? nil : unsafe (UnsafePointer(window), count)
  }

  private func bounceStep(offset: UInt64, byteCount: Int) -> TransferStep {
    let buffer: UnsafeMutableRawPointer
    if let bounce = unsafe bounce {
      unsafe buffer = unsafe bounce
    } else {
      unsafe buffer = UnsafeMutableRawPointer.allocate(
        byteCount: Self.bounceByteCount, alignment: Self.bounceAlignment)
      unsafe bounce = unsafe buffer
    }
    let count = min(byteCount, Self.bounceByteCount)
    bouncedByteCount = count
    if transfer.operation == .read {
      return unsafe .read(buffer, byteCount: count, offset: offset)
    }
    unsafe cursor.copyOut(to: UnsafeMutableRawBufferPointer(start: buffer, count: count))
    guard transfer.operation == .writeThrough else {
      return unsafe .write(buffer, byteCount: count, offset: offset)
    }
    let window = unsafe madeWindow()
    unsafe window[0] = iovec(iov_base: buffer, iov_len: count)
    return unsafe .writeVectors(
      UnsafePointer(window), count: 1, offset: offset, isDurable: true)
  }
}
