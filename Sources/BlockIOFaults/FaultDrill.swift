public import BlockIO
internal import Glibc

/// A fault that an operator rehearses on one leg of a live mount.
public struct RehearsedFault: Sendable {
  /// What goes wrong, by the words of `mirrorfs fault`.
  public enum Kind: String, Sendable, CaseIterable {
    /// Reads, writes, zeroing and flushes fail with EIO.
    case ioError = "eio"
    /// Writes fail with ENOSPC.
    case noSpace = "enospc"
    /// All of them take longer.
    case delay
    /// Reads bring wrong bytes, and say nothing.
    case corruptRead = "corrupt-read"
  }

  public var kind: Kind
  /// The leg's device: by its descriptor, which no other leg has.
  public var device: Device
  /// Sectors of the device; nil: all, and flushes with them.
  public var sectors: SectorRange?
  public var delayMilliseconds: Int
  /// When it ends by itself, in milliseconds of ``FaultDrill/now()``.
  public var end: UInt64

  public init(
    kind: Kind, device: Device, sectors: SectorRange?, delayMilliseconds: Int, end: UInt64
  ) {
    self.kind = kind
    self.device = device
    self.sectors = sectors
    self.delayMilliseconds = delayMilliseconds
    self.end = end
  }

  /// What it does to a transfer of its device.
  func effect(on transfer: TransferFacts) -> Fault? {
    if let sectors {
      guard transfer.operation != .flush, sectors.overlaps(transfer.sectors) else { return nil }
    }
    switch kind {
    case .ioError: return .fail(.ioError)
    case .delay: return .delay(milliseconds: delayMilliseconds)
    case .corruptRead: return transfer.operation == .read ? .corrupt : nil
    case .noSpace:
      switch transfer.operation {
      case .read, .flush, .discard: return nil
      case .write, .writeThrough, .writeZeroes, .writeZeroesReserved: return .fail(.noSpace)
      }
    }
  }
}

/// Fault rehearsal: wraps the backend of a mount, and makes single legs fail for a while.
///
/// One fault a leg at a time; each ends by itself. Any thread.
public final class FaultDrill: Sendable {
  private struct Entry {
    let fault: RehearsedFault
    /// Keeps the descriptor from becoming another file's.
    let holder: DeviceFile?
    let isSpared: @Sendable (SectorRange) -> Bool
  }

  /// The backend to use; it is the one that was given as long as there is no fault.
  public let backend: FaultBackend
  private let entries: ConditionLock<[CInt: Entry]>

  public init(wrapping wrapped: any Backend) {
    let entries = ConditionLock<[CInt: Entry]>([:])
    self.entries = entries
    backend = FaultBackend(wrapped, isArmed: false) { transfer in
      let entry = entries.withLock { $0[transfer.device.descriptor] }
      guard let entry, Self.now() < entry.fault.end,
        entry.fault.kind != .corruptRead || !entry.isSpared(transfer.sectors)
      else { return nil }
      return entry.fault.effect(on: transfer)
    }
  }

  /// Monotonic time in milliseconds.
  public static func now() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
  }

  /// Lets a fault begin.
  ///
  /// - Parameters:
  ///   - holder: keeps the device open until the fault ends.
  ///   - isSpared: of sectors of the device, whether reads of them are left alone by
  ///     `corrupt-read`, because what they bring is about to be written.
  ///   - whenEnded: called once, on a thread of the drill.
  /// - Throws: EBUSY while the leg has one already.
  public func begin(
    _ fault: RehearsedFault, holder: DeviceFile?,
    isSpared: @escaping @Sendable (SectorRange) -> Bool,
    whenEnded: @escaping @Sendable () -> Void
  ) throws(Errno) {
    let key = fault.device.descriptor
    let isFree = entries.withLock { entries -> Bool in
      guard entries[key] == nil else { return false }
      entries[key] = Entry(fault: fault, holder: holder, isSpared: isSpared)
      backend.arm(true)
      return true
    }
    guard isFree else { throw .inUse }
    IOThread(name: "mirrorfs-drill") { [self] in
      let now = Self.now()
      let left = fault.end > now ? Int(fault.end - now) : 0
      _ = entries.wait(atMostMilliseconds: left) { $0[key] == nil ? true : nil }
      remove(key)
      whenEnded()
    }.detach()
  }

  /// Ends the fault of a leg now; false when it has none.
  public func end(_ device: Device) -> Bool {
    defer { entries.wakeAll() }
    return remove(device.descriptor)
  }

  /// Ends the faults of all legs now.
  public func endAll() {
    entries.withLock { entries in
      entries.removeAll()
      backend.arm(false)
    }
    entries.wakeAll()
  }

  /// The fault of a leg.
  public func fault(of device: Device) -> RehearsedFault? {
    entries.withLock { $0[device.descriptor]?.fault }
  }

  @discardableResult private func remove(_ key: CInt) -> Bool {
    // The last reference to the file may go with the entry: not under the lock.
    let removed = entries.withLock { entries -> Entry? in
      let removed = entries.removeValue(forKey: key)
      if entries.isEmpty { backend.arm(false) }
      return removed
    }
    return removed != nil
  }
}
