public import BlockIO
public import DMIO
internal import Glibc
internal import Synchronization

/// The legs of one volume as one disk (the kernel's `struct mirror_set`).
///
/// Reads come from one in-sync leg, writes go to all; what a leg misses is remembered as stale and
/// never read there again until it has been rewritten and flushed. All members are safe on any
/// thread; each call does its I/O on the lane of the calling thread and ends when that has ended.
public final class MirrorSet: Sendable {
  /// The legs now; a replacement adds one, and at its end takes one away.
  public var legs: [Leg] { health.withLock { _ in table.legs } }
  /// What is done with requests; ``setPolicy(_:legs:on:)`` says it anew.
  public var policy: MirrorPolicy { health.withLock { _ in table.policy } }
  /// Sectors of the volume, and of each leg.
  public let sectorCount: SectorCount
  /// Unit in bytes that suits every leg: what reads and writes here start and end on.
  public let logicalBlockByteCount: Int

  // Nonisolated: replaced by changeLegs(on:_:) alone, which holds the whole range, the lines of
  // flushes and commits, and the health's lock; so whoever holds any of these may look.
  @exclusivity(unchecked) private nonisolated(unsafe) var currentTable: LegTable
  var table: LegTable { unsafe currentTable }
  let rangeLock = RangeLock()
  let written = WrittenRanges()
  let flushes = FlushLine()
  /// Where the state is kept; nil for a set that forgets.
  let durable: DurableState?
  let commits = FlushLine()
  /// Nothing is written any more.
  let isRetired = Atomic<Bool>(false)
  let patience = ConditionLock(Patience())
  private let health: ConditionLock<MirrorHealth>
  /// Whether the health has anything to say; false on the common path. Set and read without
  /// ordering beyond its own: who must see a change holds the range lock of the change.
  private let isTroubledHint = Atomic<Bool>(false)
  /// Flushes of a leg that failed; counted under the health's lock.
  private let flushFailures = Atomic<Int>(0)
  let observer: @Sendable (MirrorEvent) -> Void
  /// Told of every request that failed on a leg; nil: nobody wants to know, and no time is taken.
  let onFailedRequest: (@Sendable (FailedRequest) -> Void)?
  /// Called when background work is asked for.
  let onWork = ConditionLock<(@Sendable () -> Void)?>(nil)
  private let reported: ConditionLock<MirrorReport>

  /// - Parameter observer: told of every change of a leg's letter, and of the set's failing, once
  ///   each and in order, on whatever thread it came from; it must not block and not call back.
  public init(
    legs: [Leg], policy: MirrorPolicy = MirrorPolicy(),
    durable: DurableState? = nil,
    observer: @escaping @Sendable (MirrorEvent) -> Void = { _ in },
    onFailedRequest: (@Sendable (FailedRequest) -> Void)? = nil
  ) {
    precondition((1...64).contains(legs.count), "a mirror set has 1 to 64 legs")
    precondition(
      (1...legs.count).contains(policy.writeQuorum), "a quorum is 1 to the number of legs")
    precondition(
      legs.allSatisfy { $0.region.sectors.count == legs[0].region.sectors.count },
      "all legs hold the whole volume")
    unsafe currentTable = LegTable(legs, policy)
    self.observer = observer
    self.onFailedRequest = onFailedRequest
    sectorCount = legs[0].region.sectors.count
    logicalBlockByteCount = legs.reduce(sectorByteCount) {
      max($0, $1.region.device.logicalBlockByteCount)
    }
    self.durable = durable
    health = ConditionLock(
      durable?.firstHealth ?? MirrorHealth(legCount: legs.count, sectorCount: sectorCount))
    reported = ConditionLock(MirrorReport(legCount: legs.count))
    // Tells the observer what is wrong from the start.
    if durable != nil { update { _ in } }
  }

  /// All sectors of the volume.
  public var whole: SectorRange { SectorRange(first: Sector(0), count: sectorCount) }

  /// How many flushes of a leg have failed so far: whoever sees the number unchanged knows that no
  /// flush failed in between.
  var flushFailureCount: Int { flushFailures.load(ordering: .acquiring) }
  func countFlushFailure() { flushFailures.wrappingAdd(1, ordering: .releasing) }

  /// Whether the health must be asked before and told after each transfer.
  var isTroubled: Bool { isTroubledHint.load(ordering: .acquiring) }

  /// Holds off every overlapping write while `body` reads.
  ///
  /// On a lane that must not wait it throws EAGAIN where the range is not free; so do reads and
  /// writes of the range where they would have to wait.
  public func reading<R>(
    _ range: SectorRange, on lane: IOLane, _ body: (borrowing HeldRange) throws(Errno) -> R
  ) throws(Errno) -> R {
    let ticket = try hold(range, exclusive: false, on: lane)
    defer { rangeLock.release(ticket) }
    return try body(HeldRange(of: self, range, on: lane, isExclusive: false))
  }

  /// Holds off every overlapping read and write while `body` changes the range. EAGAIN as for
  /// ``reading(_:on:_:)``.
  public func changing<R>(
    _ range: SectorRange, on lane: IOLane, _ body: (borrowing HeldRange) throws(Errno) -> R
  ) throws(Errno) -> R {
    let ticket = try hold(range, exclusive: true, on: lane)
    defer { rangeLock.release(ticket) }
    return try body(HeldRange(of: self, range, on: lane, isExclusive: true))
  }

  private func hold(
    _ range: SectorRange, exclusive isExclusive: Bool, on lane: IOLane
  ) throws(Errno) -> RangeLock.Ticket {
    guard lane.mustNotWait else {
      return rangeLock.acquire(range, exclusive: isExclusive) { lane.willWait?() }
    }
    guard let ticket = rangeLock.acquireAtOnce(range, exclusive: isExclusive) else {
      throw .wouldBlock
    }
    return ticket
  }

  /// On a lane that must not wait, throws EAGAIN unless all legs answer at memory speed and none
  /// is in any trouble.
  ///
  /// What follows the first failure of such a leg is waited for all the same: by then something
  /// has changed.
  func checkAtOnce(on lane: IOLane) throws(Errno) {
    guard lane.mustNotWait else { return }
    if isTroubled || !lane.servesAtOnce(table.regions) { throw .wouldBlock }
  }

  /// Whether somebody holds some of these sectors to change them, or waits to: a read there may be
  /// the first half of a write.
  public func isBeingChanged(_ sectors: SectorRange) -> Bool {
    rangeLock.changingRanges().contains { $0.overlaps(sectors) }
  }

  /// Everything there is to know about the set at one moment.
  public func status() -> MirrorStatus {
    health.withLock { health in MirrorStatus(health, legs: table.legs) }
  }

  /// Forgets past errors; what legs miss is a fact and stays.
  public func clearErrors() {
    update { $0.clearErrors() }
    durable?.wantsCommit()
  }

  /// The legs that writes go to: all that are not passed by.
  var writeTargets: LegBits {
    let all = table.all
    return isTroubled ? all.subtracting(withHealth { $0.absentLegs }) : all
  }

  /// Reads the health under its lock.
  func withHealth<R>(_ body: (borrowing MirrorHealth) -> R) -> R {
    health.withLock { body($0) }
  }

  /// Changes the health and tells the observer what became of it.
  @discardableResult
  func update<R>(_ body: (inout MirrorHealth) -> R) -> R {
    // Under the report's lock, so that events come in the order of the changes.
    reported.withLock { reported in
      let (result, events) = health.withLock { health -> (R, [MirrorEvent]) in
        let seen = health.errorBitsSeen
        let result = body(&health)
        health.errorBitsSeen.formUnion(health.errorBits)
        // Outlives the process, but no request waits for it.
        if health.errorBitsSeen != seen { durable?.wantsCommit() }
        isTroubledHint.store(health.isTroubled, ordering: .releasing)
        guard reported.differs(from: health) else { return (result, []) }
        return (result, reported.events(for: MirrorStatus(health, legs: table.legs)))
      }
      for event in events { observer(event) }
      return result
    }
  }

  /// Puts other legs in the place of those that are there. Only for ``changeLegs(on:_:)``.
  func replaceTable(_ change: (inout MirrorHealth, [Leg]) -> LegChange) {
    reported.withLock { reported in
      let events = health.withLock { health -> [MirrorEvent] in
        let changed = change(&health, table.legs)
        unsafe currentTable = LegTable(changed.legs, changed.policy ?? table.policy)
        isTroubledHint.store(health.isTroubled, ordering: .releasing)
        reported.renumber(changed.origins)
        return reported.events(for: MirrorStatus(health, legs: table.legs))
      }
      for event in events { observer(event) }
    }
  }

  /// Tells the observer of something that background work or an operator did.
  public func note(_ text: String, isWarning: Bool) {
    reported.withLock { _ in observer(.note(text, isWarning: isWarning)) }
  }

  /// Notes the failures of one request, if there are any.
  func noteErrors(
    _ outcome: LegOutcome, _ operation: Operation, _ range: SectorRange,
    in health: inout MirrorHealth
  ) {
    guard !outcome.isSuccess else { return }
    let now = time(nil)
    for failure in outcome.failures {
      health.legs[failure.leg].noteError(failure.error, operation, range, time: now)
    }
    health.errorBitsLast = outcome.failed
    health.errorBitsSeen.formUnion(outcome.failed)
  }
}

/// A range of a mirror set that the caller holds; only through it are sectors read and written.
public struct HeldRange: ~Copyable {
  let set: MirrorSet
  /// The set's, which does not change while a range of it is held.
  let table: LegTable
  public let range: SectorRange
  let lane: IOLane
  let isExclusive: Bool

  /// The caller holds the range.
  init(of set: MirrorSet, _ range: SectorRange, on lane: IOLane, isExclusive: Bool) {
    self.set = set
    table = set.table
    self.range = range
    self.lane = lane
    self.isExclusive = isExclusive
  }

  /// Calls `body`, which frees memory that was read into or written from, when no leg that is late
  /// may still use it.
  public borrowing func afterLateRequests(_ body: @escaping () -> Void) {
    lane.afterLateRequests(body)
  }

  func check(_ part: SectorRange) {
    precondition(range.contains(part), "only the held range may be touched")
  }
}
