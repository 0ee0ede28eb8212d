public import BlockIO
public import DMIO
internal import Synchronization

extension MirrorSet {
  /// Makes everything written so far durable on every leg (rule M8).
  ///
  /// A leg whose flush fails is stale in all that was written since its last good one. Callers that
  /// come while a flush is under way share the next.
  ///
  /// - Throws: the leg's errno when something written is now durable on no in-sync leg.
  public func flush(on lane: IOLane) throws(Errno) {
    try flushes.join(willWait: lane.willWait) { () throws(Errno) in try flushNow(on: lane) }
  }

  private func flushNow(on lane: IOLane) throws(Errno) {
    let hasRewritten =
      isTroubled
      && update { health -> Bool in
        health.beginFlush()
        return health.legs.contains { !$0.flushing.isEmpty }
      }
    var written = self.written.take()
    if written.isEmpty, !hasRewritten { return }
    let result = flush(.all(count: legs.count), on: lane)
    if result.isSuccess, !hasRewritten { return }
    if !result.isSuccess { written.formUnion(self.written.current()) }
    let nothing = SectorRange(first: Sector(0), count: SectorCount(0))
    let isSafe = update { health -> Bool in
      noteErrors(result, .flush, nothing, in: &health)
      return health.finishFlush(written: written, failed: result.failed)
    }
    if !isSafe { throw result.errorForCaller }
  }

  /// A flush of these legs alone, without consequences.
  func flush(_ targets: LegBits, on lane: IOLane) -> LegOutcome {
    let chosen = targets.indices
    let regions = chosen.map { legs[$0].emptyRegion }
    let result = unsafe regions.withUnsafeBufferPointer { regions in
      unsafe lane.run(IORequest(.flush, regions: regions))
    }
    return LegOutcome(result, regionsAreLegs: chosen)
  }
}

/// The line in front of a volume's flush: one runs, who came meanwhile shares the next.
final class FlushLine: Sendable {
  private struct State {
    /// Flushes begun and ended so far; one is under way when they differ.
    var begun: UInt64 = 0
    var ended: UInt64 = 0
    /// The last flush that failed, counted from 1, and why.
    var lastFailed: UInt64 = 0
    var failure: Errno?
  }

  private let state = ConditionLock(State())

  /// Runs `flush`, or waits for one that somebody else begins after this call was made.
  ///
  /// - Parameter willWait: called before a wait for another's flush, if there has to be one.
  func join(
    willWait: (() -> Void)? = nil, _ flush: () throws(Errno) -> Void
  ) throws(Errno) {
    let (needed, isIdle) = state.withLock { ($0.begun + 1, $0.begun == $0.ended) }
    if !isIdle { willWait?() }
    let outcome = state.wait { state -> Outcome? in
      if state.ended >= needed {
        return .shared(state.lastFailed >= needed ? state.failure : nil)
      }
      guard state.begun == state.ended else { return nil }
      state.begun += 1
      return .mine
    }
    switch outcome {
    case .shared(let error):
      if let error { throw error }
    case .mine:
      var failure: Errno?
      do throws(Errno) { try flush() } catch { failure = error }
      state.withLock { state in
        state.ended += 1
        if let failure { (state.lastFailed, state.failure) = (state.ended, failure) }
      }
      state.wakeAll()
      if let failure { throw failure }
    }
  }

  private enum Outcome {
    case mine
    case shared(Errno?)
  }
}
