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

  init(legCount: Int, sectorCount: SectorCount) {
    whole = SectorRange(first: Sector(0), count: sectorCount)
    legs = Array(repeating: LegRecord(), count: legCount)
  }

  var isTroubled: Bool { !unserved.isEmpty || legs.contains { $0.isTroubled } }

  /// Legs that are failing or stale now.
  var errorBits: LegBits {
    var bits: LegBits = []
    for index in legs.indices where legs[index].letter != .alive { bits.insert(index: index) }
    return bits
  }

  /// Whether something of the volume could not be read from, or written to, any leg.
  var isFailed: Bool { !unserved.isEmpty || legs.contains { !$0.unwritten.isEmpty } }

  var state: MirrorState {
    isFailed ? .failed : errorBits.isEmpty ? .inSync : .degraded
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
        if let keeper = inSync.lowestIndex {
          lost.remove(LegBits(index: keeper))
          legs[keeper].unwritten.insert(segment)
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
    let before = legs[index].stale
    legs[index].addStale(range)
    guard legs[index].stale.ranges.count < before.ranges.count else { return }
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
  /// - Parameter failures: the legs that failed, with their errno.
  /// Returns how many in-sync legs hold the range, at its worst-off sector.
  mutating func finishWrite(_ range: SectorRange, failures: [(leg: Int, error: Errno)]) -> Int {
    var failed: LegBits = []
    for (leg, _) in failures { failed.insert(index: leg) }
    let holderCount =
      segments(of: range).map { $0.inSync.subtracting(failed).count }.min() ?? legs.count
    for index in legs.indices where !failed.contains(index: index) {
      // What no in-sync leg took must not make a stale one look good at the next flush.
      if holderCount > 0 {
        legs[index].noteWritten(range)
      } else {
        legs[index].rewritten.remove(range)
      }
    }
    if holderCount > 0 { unserved.remove(range) }
    guard !failures.isEmpty else { return holderCount }
    _ = markStale(failed, range) { index in
      let error = failures.first { $0.leg == index }?.error
      return error == .noSpace || error == Errno.quota ? .noSpace : .writeFailed
    }
    return holderCount
  }

  /// The legs that took a write but were stale in its range: flushed, they count as in sync.
  func promotable(_ range: SectorRange, failed: LegBits) -> LegBits {
    LegBits.all(count: legs.count).subtracting(failed).subtracting(inSyncLegs(range))
  }

  /// The stale legs whose rewritten range is durable now.
  mutating func promote(_ promoted: LegBits, _ range: SectorRange) {
    for index in promoted.indices { legs[index].removeStale(range) }
  }

  /// A flush begins: what was rewritten before it is in sync when it succeeds.
  mutating func beginFlush() {
    for index in legs.indices {
      legs[index].flushing.formUnion(legs[index].rewritten)
      legs[index].rewritten = RangeSet()
    }
  }

  /// A flush ended. `written`: everything that went out since the one before, up to now (rule M8).
  ///
  /// Returns whether each written sector is durable on an in-sync leg.
  mutating func finishFlush(written: RangeSet, failed: LegBits) -> Bool {
    for index in legs.indices where !failed.contains(index: index) {
      for range in legs[index].flushing.ranges { legs[index].stale.remove(range) }
      legs[index].flushing = RangeSet()
      legs[index].forgetCauses()
    }
    var isSafe = true
    for index in failed.indices {
      // The failure may have swallowed what was written while it was under way, too.
      legs[index].flushing = RangeSet()
      legs[index].rewritten = RangeSet()
    }
    guard !failed.isEmpty else { return true }
    for range in written.parts(of: whole) {
      if !markStale(failed, range, cause: { _ in .flushFailed }) { isSafe = false }
    }
    return isSafe
  }

  mutating func finishRead(_ range: SectorRange, leg: Int) {
    legs[leg].unreadable.remove(range)
    unserved.remove(range)
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
