internal import BlockIO

/// What was written since the last flush of a volume: what a failing flush makes stale (rule M8).
///
/// A write is noted when its transfers have ended and before its range is let go; those still under
/// way are the range lock's to tell. All members are safe on any thread.
final class WrittenRanges: Sendable {
  /// Exactness only shows when a flush fails; a small bound keeps the common path cheap.
  private static let bound = 256

  private struct State {
    var ranges = RangeSet(bound: WrittenRanges.bound)
    /// Taken by a flush that has not ended.
    var flushing = RangeSet(bound: WrittenRanges.bound)
  }

  private let state = ConditionLock(State())

  func note(_ range: SectorRange) {
    state.withLock { $0.ranges.insert(range) }
  }

  /// A flush of all legs begins. False when nothing was written since the last.
  func beginFlush() -> Bool {
    state.withLock { state in
      guard !state.ranges.isEmpty else { return false }
      state.flushing = state.ranges
      state.ranges = RangeSet(bound: Self.bound)
      return true
    }
  }

  func endFlush() {
    state.withLock { $0.flushing = RangeSet(bound: Self.bound) }
  }

  /// All ended writes that no flush has made durable yet, what is just being flushed included.
  func unflushed() -> RangeSet {
    state.withLock { state in
      var all = state.flushing
      all.formUnion(state.ranges)
      return all
    }
  }
}
