internal import BlockIO
internal import Synchronization

/// What was written since the last flush of a volume: what a failing flush makes stale (rule M8).
///
/// A write is noted before its data goes out and again at its end if a flush began in between, so
/// that every completed write is in the set of the flush that has to make it durable.
final class WrittenRanges: Sendable {
  /// Exactness only shows when a flush fails; a small bound keeps the common path cheap.
  private static let bound = 256

  private struct State {
    var ranges = RangeSet(bound: WrittenRanges.bound)
    var generation: UInt64 = 0
  }

  private let state = ConditionLock(State())

  /// Notes a write that is about to go out. Returns what ``noteEnd(of:since:)`` needs.
  func noteStart(of range: SectorRange) -> UInt64 {
    state.withLock { state in
      state.ranges.insert(range)
      return state.generation
    }
  }

  func noteEnd(of range: SectorRange, since generation: UInt64) {
    state.withLock { state in
      if state.generation != generation { state.ranges.insert(range) }
    }
  }

  var isEmpty: Bool { state.withLock { $0.ranges.isEmpty } }

  /// Takes the set for a flush that begins now.
  func take() -> RangeSet {
    state.withLock { state in
      defer {
        state.ranges = RangeSet(bound: Self.bound)
        state.generation += 1
      }
      return state.ranges
    }
  }

  /// What has been noted since the last ``take()``; stays noted.
  func current() -> RangeSet { state.withLock { $0.ranges } }
}
