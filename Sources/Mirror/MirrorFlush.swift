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
    try flushes.join(willWait: lane.willWait) { () throws(Errno) in
      try flushNow(on: lane, isAsked: true)
    }
  }

  /// Flushes without anybody asking for it. A loss is kept for the next ``flush(on:)`` to report.
  public func flushUnasked(on lane: IOLane) {
    do throws(Errno) {
      try flushes.join(willWait: lane.willWait) { () throws(Errno) in
        try flushNow(on: lane, isAsked: false)
      }
    } catch {
      // Noted already, and told to whoever shared this flush and had asked for one.
    }
  }

  func flushNow(on lane: IOLane, isAsked: Bool) throws(Errno) {
    let hasRewritten =
      isTroubled
      && update { health -> Bool in
        health.beginFlush()
        return health.legs.contains { !$0.flushing.isEmpty }
      }
    if written.beginFlush() || hasRewritten {
      let targets = writeTargets
      settleFlush(flush(targets, on: lane), targets: targets, endsRewrite: hasRewritten)
      written.endFlush()
    }
    guard isTroubled else { return }
    if let refusal = commitQuietly(on: lane) { throw refusal }
    if let loss = isAsked ? update({ $0.takeLoss() }) : withHealth({ $0.unreportedLoss }) {
      throw loss
    }
  }

  /// Draws the consequences of a flush, whoever asked for it (rule M8).
  func settleFlush(_ outcome: LegOutcome, targets: LegBits, endsRewrite: Bool) {
    if outcome.isSuccess, !endsRewrite { return }
    update { health in
      let passedBy = table.all.subtracting(targets)
      if endsRewrite { health.endFlush(failed: outcome.failed.union(passedBy)) }
      guard !outcome.isSuccess else { return }
      let nothing = SectorRange(first: Sector(0), count: SectorCount(0))
      noteErrors(outcome, .flush, nothing, in: &health)
      countFlushFailure()
      if !health.noteFlushFailure(outcome.failed, unflushed: unflushed()) {
        health.unreportedLoss = outcome.errorForCaller
      }
    }
  }

  /// A flush of these legs alone; ``settleFlush(_:endsRewrite:)`` draws the consequences.
  func flush(_ targets: LegBits, on lane: IOLane) -> LegOutcome {
    let chosen = targets.indices
    let legs = table.legs
    let regions = chosen.map { legs[$0].emptyRegion }
    let deadlines = chosen.map { index -> UInt32 in
      // The page cache of a buffered leg may have seconds of writes to bring to the disk.
      let most = legs[index].deadlineMilliseconds
      return legs[index].region.device.isDirect ? most : most.multiplied(by: 10)
    }
    return unsafe regions.withUnsafeBufferPointer { regions in
      unsafe run(
        IORequest(.flush, regions: regions), SectorRange(first: Sector(0), count: SectorCount(0)),
        deadlines: deadlines, legs: .listed(chosen), on: lane)
    }
  }

  /// What may not be on the legs yet: written since the last flush, or being written.
  func unflushed() -> RangeSet {
    // The writes under way first: one that ends meanwhile is then in either set, or in both.
    var unflushed = RangeSet()
    for range in rangeLock.changingRanges() { unflushed.insert(range) }
    unflushed.formUnion(written.unflushed())
    return unflushed
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
  /// One that was under way already counts when it fails: it may have lost what the caller wrote.
  /// - Parameter willWait: called before a wait for another's flush, if there has to be one.
  func join(
    willWait: (() -> Void)? = nil, _ flush: () throws(Errno) -> Void
  ) throws(Errno) {
    let (needed, isIdle) = state.withLock { ($0.begun + 1, $0.begun == $0.ended) }
    let firstThatCounts = isIdle ? needed : needed - 1
    if !isIdle { willWait?() }
    let outcome = state.wait { state -> Outcome? in
      if state.ended >= needed {
        return .shared(state.lastFailed >= firstThatCounts ? state.failure : nil)
      }
      guard state.begun == state.ended else { return nil }
      state.begun += 1
      return .mine(before: state.lastFailed >= firstThatCounts ? state.failure : nil)
    }
    switch outcome {
    case .shared(let error):
      if let error { throw error }
    case .mine(let before):
      var failure: Errno?
      do throws(Errno) { try flush() } catch { failure = error }
      state.withLock { state in
        state.ended += 1
        if let failure { (state.lastFailed, state.failure) = (state.ended, failure) }
      }
      state.wakeAll()
      if let failure = failure ?? before { throw failure }
    }
  }

  /// Runs `flush`, never anybody else's, and no other meanwhile. Who waits shares it.
  func alone(
    willWait: (() -> Void)? = nil, _ flush: () throws(Errno) -> Void
  ) throws(Errno) {
    willWait?()
    state.wait { state -> Void? in
      guard state.begun == state.ended else { return nil }
      state.begun += 1
      return ()
    }
    var failure: Errno?
    do throws(Errno) { try flush() } catch { failure = error }
    state.withLock { state in
      state.ended += 1
      if let failure { (state.lastFailed, state.failure) = (state.ended, failure) }
    }
    state.wakeAll()
    if let failure { throw failure }
  }

  private enum Outcome {
    case mine(before: Errno?)
    case shared(Errno?)
  }
}

extension UInt32 {
  /// Saturates.
  fileprivate func multiplied(by factor: UInt32) -> UInt32 {
    let (product, isOver) = multipliedReportingOverflow(by: factor)
    return isOver ? .max : product
  }
}
