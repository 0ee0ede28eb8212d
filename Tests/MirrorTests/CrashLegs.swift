import BlockIO

@testable import Mirror

/// Legs in memory that note what is done to them, and fail at random when told to.
@safe final class CrashLegs: Backend {
  enum Kind: CaseIterable { case read, write, flush }

  private struct State {
    var legs: [[CrashCell]]
    var events: [CrashEvent] = []
    /// One leg at most; the others hold everything.
    var failing: Set<Kind> = []
    var badLeg = 0
    var random: SeededRandom
  }

  let name = "crash"
  private let state: ConditionLock<State>

  init(_ legs: [[CrashCell]], seed: UInt64) {
    state = ConditionLock(State(legs: legs, random: SeededRandom(seed: seed)))
  }

  func makeQueue(isBoundToThread: Bool) throws(Errno) -> any TransferQueue {
    CrashLegsQueue(self)
  }

  func note(_ event: CrashEvent) { state.withLock { $0.events.append(event) } }

  /// One more disk, full of what was another's.
  func add() {
    state.withLock { state in
      let old = CrashCell(current: CrashImage.garbage, durable: CrashImage.garbage)
      state.legs.append([CrashCell](repeating: old, count: state.legs[0].count))
      state.events.append(.added)
    }
  }
  var events: [CrashEvent] { state.withLock { $0.events } }
  var legs: [[CrashCell]] { state.withLock { $0.legs } }

  var areWell: Bool { state.withLock { $0.failing.isEmpty } }

  /// Called before each transfer, with nothing held but what its request holds: something else that
  /// happens at that moment.
  let meanwhile = ConditionLock<(@Sendable () -> Void)?>(nil)

  func setFailing(_ kinds: Set<Kind>, leg: Int) {
    state.withLock { state in
      state.failing = kinds
      state.badLeg = leg
    }
  }

  func perform(_ transfer: Transfer) -> TransferResult {
    meanwhile.withLock { $0 }?()
    let leg = Int(transfer.device.descriptor)
    let hasFailed = state.withLock { state -> Bool in
      switch transfer.operation {
      case .read: return Self.read(&state, leg, transfer)
      case .flush: return Self.flush(&state, leg)
      default: return Self.write(&state, leg, transfer)
      }
    }
    return TransferResult(
      tag: transfer.tag, errorNumber: hasFailed ? Errno.ioError.rawValue : 0,
      byteCount: hasFailed ? 0 : transfer.byteCount)
  }

  private static func fails(_ state: inout State, _ leg: Int, _ kind: Kind) -> Bool {
    leg == state.badLeg && state.failing.contains(kind)
      && Int.random(in: 0..<2, using: &state.random) == 0
  }

  private static func sectors(_ transfer: Transfer) -> Range<Int> {
    let first = Int(transfer.byteOffset) / sectorByteCount
    return first..<first + transfer.byteCount / sectorByteCount
  }

  private static func read(_ state: inout State, _ leg: Int, _ transfer: Transfer) -> Bool {
    guard case .contiguous(let memory, _) = transfer.memory else { return true }
    if fails(&state, leg, .read) { return true }
    let sectors = sectors(transfer)
    // The rest of each sector is zeroes: what is compared is compared as a whole.
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: transfer.byteCount)
    for sector in sectors {
      unsafe memory.storeBytes(
        of: state.legs[leg][sector].current,
        toByteOffset: (sector - sectors.lowerBound) * sectorByteCount, as: UInt64.self)
    }
    return false
  }

  /// A write that fails may have reached some of its sectors.
  private static func write(_ state: inout State, _ leg: Int, _ transfer: Transfer) -> Bool {
    guard case .contiguous(let memory, _) = transfer.memory else { return true }
    let isFailing = fails(&state, leg, .write)
    let sectors = sectors(transfer)
    for sector in sectors where !isFailing || Bool.random(using: &state.random) {
      let offset = (sector - sectors.lowerBound) * sectorByteCount
      let value = unsafe memory.load(fromByteOffset: offset, as: UInt64.self)
      state.legs[leg][sector].write(value)
      state.events.append(.wrote(leg: leg, sector: sector, value: value))
    }
    return isFailing
  }

  private static func flush(_ state: inout State, _ leg: Int) -> Bool {
    let isFailing = fails(&state, leg, .flush)
    var lost: Set<Int> = []
    for sector in state.legs[leg].indices {
      let isLost = isFailing && Bool.random(using: &state.random)
      if isLost { lost.insert(sector) }
      state.legs[leg][sector].flush(isLost: isLost)
    }
    state.events.append(.flushed(leg: leg, lost: lost))
    return isFailing
  }
}

/// Carries transfers out when they are reaped, in any order.
private final class CrashLegsQueue: TransferQueue {
  let capacity = 128
  private(set) var underWay = 0
  private let legs: CrashLegs
  private var submitted: [Transfer] = []

  init(_ legs: CrashLegs) { self.legs = legs }

  func submit(_ transfer: Transfer) {
    underWay += 1
    submitted.append(transfer)
  }

  func reap(waiting: Bool, into results: inout [TransferResult]) {
    // Odd numbers of bytes there turn the order around: repeatable, and not always the same.
    let isReversed = submitted.first.map { $0.byteOffset / 512 % 2 == 1 } ?? false
    for transfer in isReversed ? submitted.reversed() : submitted {
      results.append(legs.perform(transfer))
    }
    underWay -= submitted.count
    submitted.removeAll(keepingCapacity: true)
  }

  func wake() {}
}
