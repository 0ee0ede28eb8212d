import BlockIO
import Glibc

/// Legs with volatile caches, one number a sector, for many threads at once: transfers fail, take
/// their time before and after they take effect, and a failed flush loses data as Linux does it.
@safe final class CachedLegs: Backend {
  enum Kind: CaseIterable { case read, write, flush }

  private struct Cell {
    var current: UInt64 = 0
    var durable: UInt64 = 0
    /// Written since the last flush of the leg.
    var isDirty = false
    /// A failed flush gave it up: it can be read until it is evicted, and no flush writes it.
    var isLost = false
  }

  private struct Leg {
    var cells: [Cell]
    var failing: Set<Kind> = []
    var random: SeededRandom
  }

  let name = "cached"
  private let legs: [ConditionLock<Leg>]
  private let isSlow: Bool

  init(legCount: Int, sectorCount: Int, seed: UInt64, isSlow: Bool = true) {
    self.isSlow = isSlow
    legs = (0..<legCount).map { index in
      let random = SeededRandom(seed: seed &* 64 &+ UInt64(index))
      return ConditionLock(
        Leg(cells: Array(repeating: Cell(), count: sectorCount), random: random))
    }
  }

  func makeQueue(isBoundToThread: Bool) throws(Errno) -> any TransferQueue {
    CachedLegsQueue(self)
  }

  /// From now on the leg fails such transfers, each with a chance of one in three.
  func setFailing(_ kinds: Set<Kind>, leg: Int) {
    legs[leg].withLock { $0.failing = kinds }
  }

  func current(leg: Int) -> [UInt64] { legs[leg].withLock { $0.cells.map(\.current) } }
  func durable(leg: Int) -> [UInt64] { legs[leg].withLock { $0.cells.map(\.durable) } }

  /// What failed flushes gave up is not in the caches any more, either.
  func evict() {
    for leg in legs {
      leg.withLock { leg in
        for index in leg.cells.indices where leg.cells[index].isLost {
          leg.cells[index].current = leg.cells[index].durable
          leg.cells[index].isLost = false
        }
      }
    }
  }

  func perform(_ transfer: Transfer) -> TransferResult {
    let leg = legs[Int(transfer.device.descriptor)]
    pause(leg)
    let failed = leg.withLock { leg in
      switch transfer.operation {
      case .read: return Self.read(&leg, transfer)
      case .flush: return Self.flush(&leg)
      default: return Self.write(&leg, transfer)
      }
    }
    pause(leg)
    return TransferResult(
      tag: transfer.tag, errorNumber: failed ? EIO : 0, byteCount: failed ? 0 : transfer.byteCount)
  }

  private func pause(_ leg: borrowing ConditionLock<Leg>) {
    guard isSlow else { return }
    let microseconds = leg.withLock { leg in
      UInt32.random(in: 0..<4, using: &leg.random) == 0
        ? UInt32.random(in: 1...80, using: &leg.random) : 0
    }
    if microseconds > 0 { usleep(microseconds) }
  }

  private static func fails(_ leg: inout Leg, _ kind: Kind) -> Bool {
    leg.failing.contains(kind) && Int.random(in: 0..<3, using: &leg.random) == 0
  }

  private static func sectors(_ transfer: Transfer) -> Range<Int> {
    let first = Int(transfer.byteOffset) / sectorByteCount
    return first..<first + transfer.byteCount / sectorByteCount
  }

  private static func read(_ leg: inout Leg, _ transfer: Transfer) -> Bool {
    guard case .contiguous(let memory, _) = transfer.memory else { return true }
    if fails(&leg, .read) { return true }
    let sectors = sectors(transfer)
    for sector in sectors {
      unsafe memory.storeBytes(
        of: leg.cells[sector].current,
        toByteOffset: (sector - sectors.lowerBound) * sectorByteCount,
        as: UInt64.self)
    }
    return false
  }

  /// A write that fails may have reached some of its sectors.
  private static func write(_ leg: inout Leg, _ transfer: Transfer) -> Bool {
    guard case .contiguous(let memory, _) = transfer.memory else { return true }
    let isFailing = fails(&leg, .write)
    let sectors = sectors(transfer)
    for sector in sectors where !isFailing || Bool.random(using: &leg.random) {
      let offset = (sector - sectors.lowerBound) * sectorByteCount
      leg.cells[sector].current = unsafe memory.load(fromByteOffset: offset, as: UInt64.self)
      leg.cells[sector].isDirty = true
      leg.cells[sector].isLost = false
    }
    return isFailing
  }

  private static func flush(_ leg: inout Leg) -> Bool {
    let isFailing = fails(&leg, .flush)
    for index in leg.cells.indices where leg.cells[index].isDirty {
      leg.cells[index].isDirty = false
      if isFailing, Bool.random(using: &leg.random) {
        leg.cells[index].isLost = true
      } else {
        leg.cells[index].durable = leg.cells[index].current
      }
    }
    return isFailing
  }
}

/// Carries transfers out when they are reaped.
private final class CachedLegsQueue: TransferQueue {
  let capacity = 128
  private(set) var underWay = 0
  private let legs: CachedLegs
  private var submitted: [Transfer] = []

  init(_ legs: CachedLegs) { self.legs = legs }

  func submit(_ transfer: Transfer) {
    underWay += 1
    submitted.append(transfer)
  }

  func reap(waiting: Bool, into results: inout [TransferResult]) {
    // In any order: nothing says that legs answer by their index.
    for transfer in submitted.shuffled() { results.append(legs.perform(transfer)) }
    underWay -= submitted.count
    submitted.removeAll(keepingCapacity: true)
  }

  func wake() {}
}
