public import BlockIO

/// What a rule of a ``FaultBackend`` knows of a transfer.
public struct TransferFacts: Sendable {
  public var operation: Operation
  public var device: Device
  public var byteOffset: UInt64
  public var byteCount: Int
  /// Which transfer of the backend this is, counted from 0 over all its queues.
  public var ordinal: Int

  /// The sectors that the transfer covers; none for a flush.
  public var sectors: SectorRange {
    SectorRange(
      first: Sector(byteOffset / UInt64(sectorByteCount)),
      count: SectorCount(UInt64(byteCount / sectorByteCount)))
  }
}

/// What goes wrong with one transfer.
public enum Fault: Sendable {
  /// It ends with this errno after some bytes did move.
  ///
  /// `afterByteCount`: a multiple of the device's logical block, less than the transfer's bytes.
  case fail(Errno, afterByteCount: Int = 0)
  /// The device ends there, as a file that was cut: EIO after some bytes did move.
  case cutShort(afterByteCount: Int)
  /// It is under way, but nothing moves before the gate opens.
  case hold(Gate)
  /// It is under way, but nothing moves for so long.
  case delay(milliseconds: Int)
  /// A read ends well, but one bit of each sector is wrong in what it brought.
  case corrupt
}

/// Holds transfers back until it is opened. All members are safe on any thread.
public final class Gate: Sendable {
  private struct State {
    var isOpen = false
    var heldCount = 0
    /// Makes a queue that waits look at its held transfers again.
    var alarms: [@Sendable () -> Void] = []
  }

  private let state = ConditionLock(State())

  /// A closed gate.
  public init() {}

  /// Lets everything through, now and later.
  public func open() {
    let alarms = state.withLock { state in
      state.isOpen = true
      defer { state.alarms.removeAll() }
      return state.alarms
    }
    for alarm in alarms { alarm() }
  }

  /// How many transfers have come to the gate.
  public var heldCount: Int { state.withLock { $0.heldCount } }

  /// Waits until so many transfers have come to the gate; false if they did not in time.
  public func waitForHeld(count: Int, atMostMilliseconds milliseconds: Int) -> Bool {
    state.wait(atMostMilliseconds: milliseconds) { $0.heldCount >= count ? true : nil } ?? false
  }

  var isOpen: Bool { state.withLock { $0.isOpen } }

  /// Counts a transfer in; `alarm` is called once, when the gate opens, unless it is open already.
  func hold(alarm: @escaping @Sendable () -> Void) {
    state.withLock { state in
      state.heldCount += 1
      if !state.isOpen { state.alarms.append(alarm) }
    }
    state.wakeAll()
  }
}
