public import BlockIO
internal import DMIO

extension HeldRange {
  /// Writes sectors to every leg, in parallel, from the one memory (rule M3).
  ///
  /// - Parameters:
  ///   - part: sectors of the held range, on logical blocks.
  ///   - memory: nobody else's until the call returns; at least as long as `part`.
  /// - Throws: when fewer than the quorum of in-sync legs hold it: ENOSPC if that is the only
  ///   reason, else the errno of the first leg that failed (rule M5).
  public borrowing func write(_ part: SectorRange, from memory: UnsafeRawPointer) throws(Errno) {
    check(part)
    precondition(isExclusive, "a write needs the range for itself")
    try set.prepareChange(of: part, on: lane)
    let flushFailures = set.flushFailureCount
    let targets = set.writeTargets
    let result = unsafe transfer(.write, part, from: memory, to: targets)
    set.written.note(part)
    if result.isSuccess, !set.isTroubled { return }
    try settle(part, result, targets: targets, flushFailures: flushFailures)
  }

  /// Makes sectors read as zeroes; legs that cannot do that themselves are written (rule M15).
  ///
  /// - Parameter keepsSpace: whether the legs' space stays reserved.
  /// - Throws: as ``write(_:from:)``; that a leg cannot zero is no failure.
  public borrowing func zero(_ part: SectorRange, keepsSpace: Bool) throws(Errno) {
    check(part)
    precondition(isExclusive, "a write needs the range for itself")
    try set.prepareChange(of: part, on: lane)
    let flushFailures = set.flushFailureCount
    let targets = set.writeTargets
    var result = unsafe transfer(
      keepsSpace ? .writeZeroesReserved : .writeZeroes, part, from: nil, to: targets)
    if !result.isSuccess {
      result = writeZeroes(part, to: result.failed)
    }
    set.written.note(part)
    if result.isSuccess, !set.isTroubled { return }
    try settle(part, result, targets: targets, flushFailures: flushFailures)
  }

  /// One request to the legs in `targets`; region n is leg n, the others are passed by (rule E1).
  borrowing func transfer(
    _ operation: Operation, _ part: SectorRange, from memory: UnsafeRawPointer?, to targets: LegBits
  ) -> LegOutcome {
    let slow = set.slow(targets)
    if !slow.isEmpty {
      var outcome = unsafe transfer(operation, part, from: memory, to: targets.subtracting(slow))
      outcome.formUnion(LegOutcome(slow: slow))
      return outcome
    }
    // To zero much may take long where a device writes the zeroes itself.
    let deadlines = operation.movesData ? table.deadlines : []
    return unsafe withUnsafeTemporaryAllocation(
      of: Region.self, capacity: table.legs.count
    ) { regions in
      for index in table.legs.indices {
        let region = table.regions[index]
        unsafe regions.initializeElement(
          at: index, to: targets.contains(index: index) ? region.part(part) : region.none)
      }
      var request = unsafe IORequest(operation, regions: UnsafeBufferPointer(regions))
      if let memory = unsafe memory {
        request.memory = unsafe .contiguous(
          UnsafeMutableRawPointer(mutating: memory), byteCount: Int(part.count.byteCount))
      }
      return set.run(request, part, deadlines: deadlines, on: lane)
    }
  }

  private borrowing func writeZeroes(_ part: SectorRange, to targets: LegBits) -> LegOutcome {
    var left = targets
    var result = LegOutcome()
    var first = part.first
    while first < part.end, !left.isEmpty {
      let count = min((part.end - first).rawValue, UInt64(Zeroes.byteCount / sectorByteCount))
      let piece = SectorRange(first: first, count: SectorCount(count))
      let done = unsafe transfer(.write, piece, from: Zeroes.memory, to: left)
      result.formUnion(done)
      left.subtract(done.failed)
      first = piece.end
    }
    return result
  }

  /// Draws the consequences of a write that had failures, or that met a mirror with a past.
  ///
  /// What a leg missed is durable when this returns (rule M4).
  /// - Parameters:
  ///   - targets: the legs that were written; the others were out of service.
  ///   - flushFailures: how many flushes had failed when the write began.
  private borrowing func settle(
    _ part: SectorRange, _ outcome: LegOutcome, targets: LegBits, flushFailures: Int
  ) throws(Errno) {
    let missed = table.all.subtracting(targets)
    // Where too few in-sync legs took the write, a stale leg that took it is as good once flushed.
    let needsFlush = set.update { health in
      // A flush that failed meanwhile may have swallowed the write: nothing there to save.
      guard set.flushFailureCount == flushFailures else { return false }
      return health.prepareRescue(
        of: part, failed: outcome.failed.union(missed), quorum: table.policy.writeQuorum)
    }
    if needsFlush { set.flushUnasked(on: lane) }
    let holderCount = set.update { health -> Int in
      set.noteErrors(outcome, .write, part, in: &health)
      // A flush that failed meanwhile may have swallowed the write where it seemed to succeed.
      let isWritten = !needsFlush && set.flushFailureCount == flushFailures
      return health.finishWrite(
        part, failures: outcome.failures, missed: missed, isWritten: isWritten)
    }
    let isWhole = outcome.isSuccess && missed.isEmpty
    let refusal = isWhole ? nil : set.commitQuietly(on: lane)
    if holderCount < table.policy.writeQuorum { throw set.refusal(outcome.errorForCaller) }
    if let refusal { throw refusal }
    if table.policy.onNoSpace == .error,
      outcome.failures.contains(where: { $0.error.isForWantOfSpace })
    {
      throw .noSpace
    }
  }
}
