public import BlockIO
internal import Synchronization

/// Failures of one leg since they were last cleared.
public struct LegCounters: Hashable, Sendable {
  public internal(set) var read = 0
  public internal(set) var write = 0
  public internal(set) var flush = 0
  /// Ranges that were rewritten from another leg after a read error.
  public internal(set) var corrected = 0
}

/// The last failure of one leg: what, where, when.
public struct LegError: Hashable, Sendable {
  public internal(set) var error: Errno
  public internal(set) var operation: Operation
  /// Sectors of the volume; empty for a flush.
  public internal(set) var sectors: SectorRange
  /// Seconds since 1970, UTC.
  public internal(set) var time: Int
}

/// What the mirror knows of one leg. Guarded by the health's lock.
struct LegRecord: Sendable {
  /// Why a leg is not alive; kept until nothing of it is left.
  struct Causes: OptionSet {
    let rawValue: UInt8
    static let noSpace = Causes(rawValue: 1)
    static let writeFailed = Causes(rawValue: 2)
    static let flushFailed = Causes(rawValue: 4)
    static let all: Causes = [.noSpace, .writeFailed, .flushFailed]
  }

  /// Sectors that this leg missed: never read here (rule M4).
  var stale = RangeSet()
  /// The part of `stale` that was written again since; in sync after the next good flush.
  /// Never more than was: what is forgotten here only stays stale.
  var rewritten = RangeSet(overflow: .forget)
  /// The part of `stale` that the flush now under way makes durable.
  var flushing = RangeSet(overflow: .forget)
  /// Sectors whose read failed: still in sync, but read here only when nobody else can serve.
  var unreadable = RangeSet()
  /// Sectors whose write failed here although no other leg is better: the copy of last resort.
  var unwritten = RangeSet()
  var causes: Causes = []
  /// Taken out of service by the operator: neither read nor written (letter O).
  var isOut = false
  /// The number of the leg that this one is to replace; nil for all but a new one.
  var replaces: Int?
  /// The config's path of the leg that this one has replaced, or is to.
  var standsFor: String?
  /// What the disk says of itself (rule M17); another one after it was swapped and brought back.
  var diskMark: UInt64 = 0
  /// Tells legs apart, whatever numbers they have, for as long as the process lives.
  let identifier = LegRecord.nextIdentifier.wrappingAdd(1, ordering: .relaxed).newValue
  private static let nextIdentifier = Atomic<UInt64>(0)
  /// Missed a deadline (letter W): passed by, until it has answered again (rule M12).
  var isSlow = false
  /// Requests that missed the deadline and have not ended.
  var lateCount = 0
  /// Resynced only when somebody asks: it is not what it was, and may hold what is wanted.
  var isHeld = false
  /// When the leg is tried again by itself.
  var retry = RetryClock()
  /// Rises with everything that must be durable before a write is acknowledged (rule M4).
  private(set) var growth: UInt64 = 0
  var counters = LegCounters()
  var lastError: LegError?

  /// Neither read nor written now.
  var isAbsent: Bool { isOut || isSlow }

  var letter: LegLetter {
    if isOut { return .takenOut }
    if isSlow { return .slow }
    if !stale.isEmpty || !unwritten.isEmpty {
      if causes.contains(.flushFailed) { return .flushFailed }
      if causes.contains(.writeFailed) { return .writeFailed }
      if causes.contains(.noSpace) { return .noSpace }
      return .outOfSync
    }
    return unreadable.isEmpty ? .alive : .readErrors
  }

  /// Whether the leg needs more than the common path.
  var isTroubled: Bool {
    isAbsent || !stale.isEmpty || !unwritten.isEmpty || !unreadable.isEmpty
  }

  func isInSync(_ range: SectorRange) -> Bool { !stale.overlaps(range) }

  mutating func noteError(
    _ error: Errno, _ operation: Operation, _ sectors: SectorRange, time: Int
  ) {
    lastError = LegError(error: error, operation: operation, sectors: sectors, time: time)
    switch operation {
    case .read: counters.read += 1
    case .flush: counters.flush += 1
    default: counters.write += 1
    }
  }

  mutating func addStale(_ range: SectorRange) {
    if !stale.contains(range) { growth += 1 }
    stale.insert(range)
    rewritten.remove(range)
    flushing.remove(range)
    unwritten.remove(range)
  }

  /// The copy of last resort missed a write.
  mutating func addUnwritten(_ range: SectorRange) {
    if !unwritten.contains(range) { growth += 1 }
    unwritten.insert(range)
  }

  /// What is stale here and has not been written again yet.
  var unwrittenStale: RangeSet {
    var left = stale
    left.subtract(rewritten)
    left.subtract(flushing)
    return left
  }

  /// A write reached this leg.
  mutating func noteWritten(_ range: SectorRange) {
    for part in stale.parts(of: range) { rewritten.insert(part) }
    unreadable.remove(range)
    unwritten.remove(range)
    forgetCauses()
  }

  mutating func forgetCauses() {
    if stale.isEmpty, unwritten.isEmpty { causes = [] }
  }
}
