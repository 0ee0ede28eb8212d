public import BlockIO
internal import DMIO

extension HeldRange {
  /// Reads sectors from one in-sync leg, and from the next when that fails (rule M1).
  ///
  /// - Parameters:
  ///   - part: sectors of the held range, on logical blocks.
  ///   - memory: the caller's; at least as long as `part`.
  /// - Throws: the errno of the last leg, when every leg that is in sync there failed.
  public borrowing func read(_ part: SectorRange, into memory: UnsafeMutableRawPointer)
    throws(Errno)
  {
    check(part)
    if !set.isTroubled, let leg = set.selector.choose(from: .all(count: set.legs.count)) {
      let outcome = unsafe readLeg(leg, part, into: memory)
      if outcome.isSuccess {
        if finish(part, leg) { return }
      } else {
        note(outcome, part)
      }
    }
    try unsafe readCarefully(part, into: memory)
  }

  /// Tries every leg for the whole part; when none can, each half by itself, down to a block, so
  /// that bad sectors at different places of different legs hide nothing (rule M1).
  private borrowing func readCarefully(_ part: SectorRange, into memory: UnsafeMutableRawPointer)
    throws(Errno)
  {
    let (inSync, unreadable) = set.withHealth { health in
      (health.inSyncLegs(part), health.unreadableLegs(part))
    }
    var lastError = Errno.ioError
    // Legs that failed here before come last: asking them first would cost a time-out each.
    for candidates in [inSync.subtracting(unreadable), inSync.intersection(unreadable)] {
      var left = candidates
      while let leg = set.selector.choose(from: left) {
        left.remove(LegBits(index: leg))
        let outcome = unsafe readLeg(leg, part, into: memory)
        if outcome.isSuccess {
          if finish(part, leg) { return }
          // Who is in sync has changed under our hands: asked anew.
          return try unsafe readCarefully(part, into: memory)
        }
        note(outcome, part)
        lastError = outcome.errorForCaller
      }
    }
    let blockSectorCount = UInt64(set.logicalBlockByteCount / sectorByteCount)
    let half = part.count.rawValue / 2 / blockSectorCount * blockSectorCount
    guard half > 0 else {
      set.update { $0.unserved.insert(part) }
      throw lastError
    }
    let middle = part.first + SectorCount(half)
    try unsafe readCarefully(SectorRange(part.first, upTo: middle), into: memory)
    try unsafe readCarefully(
      SectorRange(middle, upTo: part.end),
      into: memory + Int(SectorCount(half).byteCount))
  }

  private borrowing func readLeg(
    _ leg: Int, _ part: SectorRange, into memory: UnsafeMutableRawPointer
  ) -> LegOutcome {
    set.selector.begin(leg)
    defer { set.selector.end(leg) }
    // One region, so the request's only bit is bit 0, whichever leg that is.
    let result = unsafe withUnsafePointer(to: set.regions[leg].part(part)) { region in
      unsafe lane.run(
        IORequest(
          .read, regions: UnsafeBufferPointer(start: region, count: 1),
          memory: .contiguous(memory, byteCount: Int(part.count.byteCount))))
    }
    return LegOutcome(result, regionsAreLegs: [leg])
  }

  /// Whether what was read counts: a flush that failed meanwhile may have made the leg stale here.
  private borrowing func finish(_ part: SectorRange, _ leg: Int) -> Bool {
    guard set.isTroubled else { return true }
    return set.update { $0.finishRead(part, leg: leg) }
  }

  private borrowing func note(_ outcome: LegOutcome, _ part: SectorRange) {
    set.update { health in
      set.noteErrors(outcome, .read, part, in: &health)
      for leg in outcome.failed.indices { health.legs[leg].unreadable.insert(part) }
    }
  }
}

extension IOLane {
  /// Performs a request that is right by construction: a refusal is a bug of ours.
  func run(_ request: IORequest) -> IOResult {
    do throws(IORequestError) {
      return try perform(request)
    } catch {
      preconditionFailure("the mirror made a bad request: \(error)")
    }
  }
}
