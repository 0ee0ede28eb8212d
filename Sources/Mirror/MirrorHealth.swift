internal import BlockIO

/// Which leg holds what: the mirror's whole knowledge about failures, as one value.
///
/// No I/O and no lock in here: `MirrorSet` guards it and tells it what happened. The invariant that
/// everything rests on: every sector of the volume is in sync on at least one leg (rule M5: the
/// last good leg is never dropped).
struct MirrorHealth: Sendable {
  /// The sectors of the volume.
  let whole: SectorRange
  var legs: [LegRecord]
  var errorBitsSeen: LegBits = []
  var errorBitsLast: LegBits = []
  /// Sectors that no in-sync leg could read, until one can.
  var unserved = RangeSet()

  /// Sectors that in-sync legs may hold differently since an unclean stop (rule M9): read from the
  /// lowest of these legs alone, until they have been made equal from it.
  var unsettled = RangeSet()
  /// Sectors of legs that have never been compared (rule M16): read as `unsettled` ones are, but
  /// nothing is written because of it.
  var unverified = RangeSet()
  /// Sectors where legs were found to differ, and nobody has said which is right (rule M16): the
  /// others are stale there, and not resynced.
  var disputed = RangeSet()
  /// What a scrub was asked for and how far it is.
  var scrub: ScrubTask?
  /// What the last scrub found.
  var mismatches: [Mismatch] = []
  var work = WorkState()
  /// Rises with changes of the set itself that must be durable.
  var changes: UInt64 = 0

  /// Why something written may be on no leg any more, until a flush has told its caller.
  var unreportedLoss: Errno?

  init(legCount: Int, sectorCount: SectorCount) {
    whole = SectorRange(first: Sector(0), count: sectorCount)
    legs = (0..<legCount).map { _ in LegRecord() }
  }

  var isTroubled: Bool {
    !unserved.isEmpty || unreportedLoss != nil || !unsettled.isEmpty || !unverified.isEmpty
      || !disputed.isEmpty || legs.contains { $0.isTroubled }
  }

  /// Legs that are failing or stale now.
  var errorBits: LegBits {
    var bits: LegBits = []
    for index in legs.indices where legs[index].letter != .alive { bits.insert(index: index) }
    return bits
  }

  /// Whether something of the volume could not be read from, or written to, any leg.
  var isFailed: Bool { !unserved.isEmpty || legs.contains { !$0.unwritten.isEmpty } }

  var state: MirrorState {
    if isFailed { return .failed }
    if let active = work.active, active != .scrub, pendingWork != nil { return .resyncing }
    if !errorBits.isEmpty { return .degraded }
    return unsettled.isEmpty && unverified.isEmpty ? .inSync : .resyncing
  }

  /// Rises with everything that must be durable before a write is acknowledged (rule M4).
  var growth: UInt64 { legs.reduce(changes) { $0 &+ $1.growth } }

  /// Legs that are passed by: taken out of service, slow, or somebody else's, as far as anybody
  /// knows: a leg that waits for a command and is in sync nowhere (rule M17). One that waits and is
  /// in sync somewhere may be the only copy there, and must stay it.
  var absentLegs: LegBits {
    LegBits(
      indices: legs.indices.filter {
        legs[$0].isAbsent || legs[$0].isHeld && legs[$0].stale.contains(whole)
      })
  }
  /// Legs that missed a deadline and have not answered since.
  var slowLegs: LegBits { LegBits(indices: legs.indices.filter { legs[$0].isSlow }) }
  /// Legs that the operator took out of service.
  var outLegs: LegBits { LegBits(indices: legs.indices.filter { legs[$0].isOut }) }

  /// Whether all reads of the range must come from its lowest in-sync leg.
  func isPinned(_ range: SectorRange) -> Bool {
    unsettled.overlaps(range) || unverified.overlaps(range)
  }

  /// Legs that hold all of `range` and are in service.
  func readableLegs(_ range: SectorRange) -> LegBits {
    inSyncLegs(range).subtracting(absentLegs)
  }

  /// Legs that hold all of `range` as it was last written.
  func inSyncLegs(_ range: SectorRange) -> LegBits {
    var bits: LegBits = []
    for index in legs.indices where legs[index].isInSync(range) { bits.insert(index: index) }
    return bits
  }

  /// Legs that failed to read a part of `range` before.
  func unreadableLegs(_ range: SectorRange) -> LegBits {
    var bits: LegBits = []
    for index in legs.indices where legs[index].unreadable.overlaps(range) {
      bits.insert(index: index)
    }
    return bits
  }

  /// `range` cut where the set of in-sync legs changes.
  func segments(of range: SectorRange) -> [(range: SectorRange, inSync: LegBits)] {
    var cuts: Set<Sector> = [range.first, range.end]
    for leg in legs {
      for part in leg.stale.parts(of: range) { cuts.formUnion([part.first, part.end]) }
    }
    let sorted = cuts.sorted()
    return zip(sorted, sorted.dropFirst()).map { first, end in
      let segment = SectorRange(first, upTo: end)
      return (segment, inSyncLegs(segment))
    }
  }

  /// Marks what `failed` missed as stale there, except where one of them is the last good leg.
  ///
  /// Returns false when a last good leg had to be kept: then the range is not safe anywhere.
  mutating func markStale(_ failed: LegBits, _ range: SectorRange, cause: (Int) -> LegRecord.Causes)
    -> Bool
  {
    var isSafe = true
    for (segment, inSync) in segments(of: range) {
      var lost = failed
      if inSync.subtracting(failed).isEmpty {
        isSafe = false
        // The lowest stays the copy that reads come from, so that they keep agreeing.
        if let keeper = inSync.subtracting(absentLegs).lowestIndex ?? inSync.lowestIndex {
          lost.remove(LegBits(index: keeper))
          legs[keeper].addUnwritten(segment)
          // What others wrote again may differ from what the keeper has now.
          for index in legs.indices where index != keeper {
            legs[index].rewritten.remove(segment)
            legs[index].flushing.remove(segment)
          }
          legs[keeper].causes.formUnion(cause(keeper))
        }
      }
      for index in lost.indices {
        addStale(index, segment)
        legs[index].causes.formUnion(cause(index))
      }
    }
    return isSafe
  }

  /// Adds a stale range. Where the set has to be merged into chunks, the merge must not swallow
  /// sectors for which this is the last good leg.
  private mutating func addStale(_ index: Int, _ range: SectorRange) {
    guard legs[index].stale.isFull else {
      legs[index].addStale(range)
      return
    }
    let before = legs[index].stale
    legs[index].addStale(range)
    var swallowed = legs[index].stale
    swallowed.subtract(before)
    swallowed.remove(range)
    for part in swallowed.ranges {
      for (segment, inSync) in segments(of: part) where inSync.isEmpty {
        legs[index].stale.remove(segment)
      }
    }
  }

  /// A write that ended: who holds it now, and whether that is enough.
  ///
  /// - Parameters:
  ///   - failures: the legs that failed, with their errno.
  ///   - missed: legs that were out of service when it began.
  ///   - isWritten: whether what the other legs took is to be put in sync by the next flush.
  /// Returns how many in-sync legs hold the range, at its worst-off sector.
  mutating func finishWrite(
    _ range: SectorRange, failures: [LegFailure], missed: LegBits = [],
    isWritten: Bool
  ) -> Int {
    var failed = missed
    for failure in failures { failed.insert(index: failure.leg) }
    let holderCount = holderCount(range, failed: failed)
    for index in legs.indices where !failed.contains(index: index) {
      // What no in-sync leg took must not make a stale one look good at the next flush.
      if holderCount == 0 {
        legs[index].rewritten.remove(range)
      } else if isWritten {
        legs[index].noteWritten(range)
      }
    }
    if holderCount > 0 {
      // Every leg in sync holds the same there now, whatever it held before.
      unserved.remove(range)
      unsettled.remove(range)
      unverified.remove(range)
      disputed.remove(range)
    }
    guard !failed.isEmpty else { return holderCount }
    for failure in failures { legs[failure.leg].retry.noteRequestFailure(Pace.now()) }
    let slow = slowLegs
    _ = markStale(failed, range) { index in
      guard let error = failures.first(where: { $0.leg == index })?.error else { return [] }
      if error == .timedOut, slow.contains(index: index) { return [] }
      return error.isForWantOfSpace ? .noSpace : .writeFailed
    }
    return holderCount
  }

  /// In-sync legs that took a write, at the range's worst-off sector. One that lost it in a failed
  /// flush, and is kept for want of a better, does not count.
  private func holderCount(_ range: SectorRange, failed: LegBits) -> Int {
    segments(of: range).map { segment, inSync in
      inSync.subtracting(failed).indices.count { !legs[$0].unwritten.overlaps(segment) }
    }.min() ?? legs.count
  }

  /// Whether a write needs a flush to succeed: too few in-sync legs took it, but a stale one did.
  ///
  /// If so, the legs that took it are noted as written again, so that the flush puts them in sync.
  mutating func prepareRescue(of range: SectorRange, failed: LegBits, quorum: Int) -> Bool {
    // `failed` includes the legs that were out of service.
    let taken = LegBits.all(count: legs.count).subtracting(failed)
    let isStaleTaker = !taken.subtracting(inSyncLegs(range)).isEmpty
    for index in taken.indices { legs[index].unwritten.remove(range) }
    guard isStaleTaker, holderCount(range, failed: failed) < quorum else { return false }
    for index in taken.indices { legs[index].noteWritten(range) }
    return true
  }

  /// A flush begins: what was rewritten before it is in sync when it succeeds.
  mutating func beginFlush() {
    for index in legs.indices {
      legs[index].flushing = legs[index].rewritten
      legs[index].rewritten.removeAll()
    }
  }

  /// The flush ended: what was rewritten before it is in sync where it did not fail.
  mutating func endFlush(failed: LegBits) {
    for index in legs.indices {
      if !failed.contains(index: index) {
        legs[index].stale.subtract(legs[index].flushing)
        legs[index].forgetCauses()
        if legs[index].stale.isEmpty { legs[index].retry.reset() }
      }
      legs[index].flushing.removeAll()
    }
  }

  /// A leg whose flush failed is stale in all that it was sent since its last good one (rule M8).
  ///
  /// Returns whether each of these sectors is on an in-sync leg that did not fail.
  mutating func noteFlushFailure(
    _ failed: LegBits, unflushed: RangeSet, isSlow: Bool = false
  ) -> Bool {
    for index in failed.indices {
      // The failure may have swallowed what was written again while it was under way, too.
      legs[index].flushing.removeAll()
      legs[index].rewritten.removeAll()
      legs[index].retry.noteRequestFailure(Pace.now())
      if !legs[index].stale.isEmpty, !isSlow { legs[index].causes.insert(.flushFailed) }
    }
    var isSafe = true
    for range in unflushed.parts(of: whole) {
      if !markStale(failed, range, cause: { _ in isSlow ? [] : .flushFailed }) { isSafe = false }
    }
    return isSafe
  }

  /// What the caller of a flush has to be told, once.
  mutating func takeLoss() -> Errno? {
    defer { unreportedLoss = nil }
    return unreportedLoss
  }

  /// A leg was read. False when it has become stale meanwhile, so that what it gave may be old.
  mutating func finishRead(_ range: SectorRange, leg: Int) -> Bool {
    guard legs[leg].isInSync(range) else { return false }
    legs[leg].unreadable.remove(range)
    unserved.remove(range)
    return true
  }

  /// Forgets what is over; what legs miss is a fact and stays.
  mutating func clearErrors() {
    for index in legs.indices {
      legs[index].unreadable = RangeSet()
      legs[index].unwritten = RangeSet()
      legs[index].counters = LegCounters()
      legs[index].lastError = nil
      legs[index].forgetCauses()
    }
    unserved = RangeSet()
    errorBitsLast = []
    errorBitsSeen = errorBits
  }
}
