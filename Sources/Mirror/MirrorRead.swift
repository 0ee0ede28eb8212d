public import BlockIO
internal import DMIO

extension HeldRange {
  /// Reads sectors from one in-sync leg, and from the next when that fails (rule M1).
  ///
  /// - Parameters:
  ///   - part: sectors of the held range, on logical blocks.
  ///   - memory: the caller's; at least as long as `part`.
  /// - Throws: the errno of the last leg, when every leg that is in sync there failed. EAGAIN on a
  ///   lane that must not wait, where the read would have to.
  public borrowing func read(_ part: SectorRange, into memory: UnsafeMutableRawPointer)
    throws(Errno)
  {
    check(part)
    try set.checkAtOnce(on: lane)
    if !set.isTroubled, let leg = table.selector.choose(from: table.all) {
      let outcome = unsafe readLeg(leg, part, into: memory)
      if outcome.isSuccess {
        if finish(part, leg) { return }
      } else {
        try note(outcome, part)
      }
    }
    try unsafe readCarefully(part, into: memory)
  }

  /// Reads sectors from this leg and no other: what is on it, stale or not (rule F8).
  ///
  /// Looking at a leg says nothing of it: an error changes neither its letter nor its counters.
  /// - Throws: ENOENT for a leg that there is none of, the leg's errno, and ``Errno/restart`` when
  ///   it is late, so that the memory is spoilt.
  public borrowing func read(
    _ part: SectorRange, ofLeg leg: Int, into memory: UnsafeMutableRawPointer
  ) throws(Errno) {
    check(part)
    guard table.legs.indices.contains(leg) else { throw .noSuchFile }
    let outcome = unsafe readLeg(leg, part, into: memory)
    if !outcome.late.isEmpty { throw .restart }
    if !outcome.isSuccess { throw outcome.errorForCaller }
  }

  /// Tries every leg for the whole part; when none can, each half by itself, down to a block, so
  /// that bad sectors at different places of different legs hide nothing (rule M1).
  private borrowing func readCarefully(_ part: SectorRange, into memory: UnsafeMutableRawPointer)
    throws(Errno)
  {
    let (inSync, unreadable, isPinned) = set.withHealth { health in
      (health.readableLegs(part), health.unreadableLegs(part), health.isPinned(part))
    }
    if isPinned { return try unsafe readPinned(part, into: memory) }
    var lastError = Errno.ioError
    // Legs that failed here before come last: asking them first would cost a time-out each.
    for candidates in [inSync.subtracting(unreadable), inSync.intersection(unreadable)] {
      var left = candidates
      while let leg = table.selector.choose(from: left) {
        left.remove(LegBits(index: leg))
        let outcome = unsafe readLeg(leg, part, into: memory)
        if outcome.isSuccess {
          if finish(part, leg) { return }
          // Who is in sync has changed under our hands: asked anew.
          return try unsafe readCarefully(part, into: memory)
        }
        try note(outcome, part)
        lastError = outcome.errorForCaller
      }
    }
    guard part.count.rawValue > blockSectorCount else {
      throw failRead(part, lastError)
    }
    try unsafe readHalves(part, into: memory)
  }

  /// Reads where in-sync legs may differ: all readers get what the lowest of them holds (rule M9).
  ///
  /// Block by block where that leg cannot be read; what the next one gives is then what counts, and
  /// the first is stale there.
  private borrowing func readPinned(_ part: SectorRange, into memory: UnsafeMutableRawPointer)
    throws(Errno)
  {
    let segments = set.withHealth { $0.segments(of: part) }
    if segments.count > 1 {
      for (segment, _) in segments {
        try unsafe readCarefully(
          segment, into: memory + Int((segment.first - part.first).byteCount))
      }
      return
    }
    // A slow leg that reads came from must not be the one again once it answers: what the next one
    // gives is then what counts, as when it cannot be read.
    let (legs, slow) = set.withHealth {
      ($0.inSyncLegs(part).subtracting($0.outLegs), $0.slowLegs)
    }
    guard let source = legs.subtracting(slow).lowestIndex else {
      throw failRead(part, .ioError)
    }
    var error = Errno.ioError
    var candidates = legs.subtracting(slow)
    if source == legs.lowestIndex {
      let outcome = unsafe readLeg(source, part, into: memory)
      if outcome.isSuccess, finish(part, source) { return }
      if outcome.isSuccess { return try unsafe readCarefully(part, into: memory) }
      try note(outcome, part)
      if part.count.rawValue > blockSectorCount {
        return try unsafe readHalves(part, into: memory)
      }
      error = outcome.errorForCaller
      candidates.remove(LegBits(index: source))
    }
    for next in candidates.indices {
      let outcome = unsafe readLeg(next, part, into: memory)
      if outcome.isSuccess { return try settlePinned(part, on: next, of: legs) }
      try note(outcome, part)
      error = outcome.errorForCaller
    }
    if source != legs.lowestIndex, part.count.rawValue > blockSectorCount {
      return try unsafe readHalves(part, into: memory)
    }
    throw failRead(part, error)
  }

  /// What this leg gave is what counts from now on: the legs before it are stale there.
  private borrowing func settlePinned(
    _ part: SectorRange, on leg: Int, of legs: LegBits
  ) throws(Errno) {
    set.update { health in
      if health.unverified.overlaps(part) { health.disputed.insert(part) }
      _ = health.markStale(LegBits(indices: legs.indices.filter { $0 < leg }), part) { _ in [] }
    }
    if let refusal = set.commitQuietly(on: lane) { throw refusal }
  }

  private var blockSectorCount: UInt64 { UInt64(set.logicalBlockByteCount / sectorByteCount) }

  /// Reads each half by itself; `part` is longer than a block.
  private borrowing func readHalves(_ part: SectorRange, into memory: UnsafeMutableRawPointer)
    throws(Errno)
  {
    let half = max(1, part.count.rawValue / 2 / blockSectorCount) * blockSectorCount
    let middle = part.first + SectorCount(half)
    try unsafe readCarefully(SectorRange(part.first, upTo: middle), into: memory)
    try unsafe readCarefully(
      SectorRange(middle, upTo: part.end),
      into: memory + Int(SectorCount(half).byteCount))
  }

  /// Reads a part from one leg; a slow one is not asked.
  borrowing func readLeg(
    _ leg: Int, _ part: SectorRange, into memory: UnsafeMutableRawPointer
  ) -> LegOutcome {
    let slow = set.slow(LegBits(index: leg))
    if !slow.isEmpty { return LegOutcome(slow: slow) }
    return unsafe set.readSlowLeg(leg, of: table, part, into: memory, on: lane)
  }

  /// Whether what was read counts: a flush that failed meanwhile may have made the leg stale here.
  private borrowing func finish(_ part: SectorRange, _ leg: Int) -> Bool {
    guard set.isTroubled else { return true }
    return set.update { $0.finishRead(part, leg: leg) }
  }

  /// - Throws: ``Errno/restart`` when a leg is late: the memory is spoilt.
  private borrowing func note(_ outcome: LegOutcome, _ part: SectorRange) throws(Errno) {
    set.update { health in
      set.noteErrors(outcome, .read, part, in: &health)
      // That a leg hangs says nothing of its sectors.
      for leg in outcome.failed.indices where !health.legs[leg].isSlow {
        health.legs[leg].unreadable.insert(part)
      }
    }
    if !outcome.late.isEmpty { throw .restart }
  }
}

extension MirrorSet {
  /// Reads a part from one leg, however slow it was; the caller holds the range.
  ///
  /// When it misses its deadline `memory` is spoilt: the leg may write there at any time.
  func readSlowLeg(
    _ leg: Int, of table: LegTable, _ part: SectorRange, into memory: UnsafeMutableRawPointer,
    on lane: IOLane
  ) -> LegOutcome {
    table.selector.begin(leg)
    defer { table.selector.end(leg) }
    // One region, so the request's only bit is bit 0, whichever leg that is.
    return unsafe withUnsafePointer(to: table.regions[leg].part(part)) { region in
      unsafe run(
        IORequest(
          .read, regions: UnsafeBufferPointer(start: region, count: 1),
          memory: .contiguous(memory, byteCount: Int(part.count.byteCount))), part,
        deadlines: table.readDeadlines[leg], legs: .one(leg), on: lane)
    }
  }

  /// Reads a part from several legs side by side, each into memory of its own; the caller holds the
  /// range. Slow legs are not asked.
  ///
  /// - Parameter memory: for each leg of the set; spoilt where the leg misses its deadline.
  func readLegs(
    _ legs: LegBits, _ part: SectorRange, into memory: [UnsafeMutableRawPointer], on lane: IOLane
  ) -> LegOutcome {
    let table = table
    let slow = slow(legs)
    let asked = legs.subtracting(slow).indices
    let regions = asked.map { table.regions[$0].part(part) }
    for leg in asked { table.selector.begin(leg) }
    defer { for leg in asked { table.selector.end(leg) } }
    var outcome = unsafe regions.withUnsafeBufferPointer { regions in
      let requests = asked.indices.map { place in
        unsafe IORequest(
          .read, regions: UnsafeBufferPointer(rebasing: regions[place...place]),
          memory: .contiguous(memory[asked[place]], byteCount: Int(part.count.byteCount)))
      }
      return run(requests, part, legs: asked, on: lane)
    }
    if !slow.isEmpty { outcome.formUnion(LegOutcome(slow: slow)) }
    return outcome
  }
}
