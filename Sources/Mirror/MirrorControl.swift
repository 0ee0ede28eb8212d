public import BlockIO
public import DMIO
internal import Synchronization

/// What an operator may ask of a set while it is in use.
extension MirrorSet {
  /// Asks for what legs missed to be copied now, whatever the back-off says (rule M10).
  ///
  /// - Parameter source: the leg that is right where legs were found to differ (rule M16).
  /// - Throws: EINVAL for a leg that there is none of, or that is out of service.
  public func requestResync(source: Int?, on lane: IOLane) throws(Errno) {
    if let source {
      guard legs.indices.contains(source), !withHealth({ $0.outLegs.contains(index: source) })
      else {
        throw .invalid
      }
    }
    update { health in
      for index in health.legs.indices {
        health.legs[index].isHeld = false
        health.legs[index].retry.reset()
      }
      if let source, source < health.legs.count { health.settleDispute(source: source) }
      health.changes += 1
    }
    if let refusal = commitQuietly(on: lane) { throw refusal }
    wakeKeeper()
  }

  /// Asks for a comparison of all legs (rule M11).
  ///
  /// - Throws: EBUSY while one is under way, EINVAL for a range or leg that there is none of.
  public func requestScrub(
    _ range: SectorRange?, isRepair: Bool, source: Int?, on lane: IOLane
  ) throws(Errno) {
    let range = range ?? whole
    let (_, isOver) = range.first.rawValue.addingReportingOverflow(range.count.rawValue)
    guard !isOver, !range.isEmpty, whole.contains(range) else { throw .invalid }
    if let source, !legs.indices.contains(source) { throw .invalid }
    // Whole blocks: what is read is compared.
    let block = UInt64(logicalBlockByteCount / sectorByteCount)
    let first = Sector(range.first.rawValue / block * block)
    let end = Sector(min(whole.end.rawValue, (range.end.rawValue + block - 1) / block * block))
    let isBusy = update { health -> Bool in
      guard health.scrub == nil else { return true }
      health.mismatches = []
      health.scrub = ScrubTask(
        range: SectorRange(first, upTo: end), position: first, isRepair: isRepair, source: source)
      health.changes += 1
      return false
    }
    if isBusy { throw .inUse }
    if let refusal = commitQuietly(on: lane) { throw refusal }
    wakeKeeper()
  }

  /// Ends a scrub; what it found stays known.
  public func cancelScrub() {
    update { health in
      health.scrub = nil
      health.changes += 1
    }
    durable?.wantsCommit()
  }

  /// Takes a leg out of service: it is neither read nor written until ``restore(_:on:)``.
  ///
  /// - Throws: EINVAL for a leg that there is none of; EBUSY when some sector is on no other leg.
  public func fail(_ leg: Int, on lane: IOLane) throws(Errno) {
    guard legs.indices.contains(leg) else { throw .invalid }
    // What it was sent so far counts; what is under way while it goes does not.
    flushUnasked(on: lane)
    let isRefused = update { health -> Bool in
      guard leg < health.legs.count else { return true }
      if health.legs[leg].isOut { return false }
      let isNeeded = health.segments(of: whole).contains { _, inSync in
        inSync.subtracting(health.absentLegs).subtracting(LegBits(index: leg)).isEmpty
      }
      // Where legs may differ, the lowest is the one that counts.
      if isNeeded || health.isPinned(whole) { return true }
      health.legs[leg].isOut = true
      health.changes += 1
      // No flush reaches it from here on, so what it was sent since the last one is not safe there.
      countFlushFailure()
      for range in unflushed().parts(of: whole) {
        _ = health.markStale(LegBits(index: leg), range) { _ in [] }
      }
      return false
    }
    if isRefused { throw .inUse }
    if let refusal = commitQuietly(on: lane) { throw refusal }
  }

  /// Brings a leg back into service; what it missed is resynced.
  ///
  /// - Throws: EINVAL for a leg that there is none of; the errno of open(2) when it is not there.
  public func restore(_ leg: Int, on lane: IOLane) throws(Errno) {
    let legs = legs
    guard legs.indices.contains(leg) else { throw .invalid }
    // What it still has to do for us may not end after what comes next.
    if withHealth({ leg < $0.legs.count && $0.legs[leg].lateCount > 0 }) { throw .inUse }
    let (isSame, diskMark) = try reopen(leg, of: legs[leg], on: lane)
    update { health in
      guard leg < health.legs.count else { return }
      // Another disk under the same name holds nothing yet.
      if !isSame { _ = health.markStale(LegBits(index: leg), health.whole) { _ in [] } }
      if diskMark != 0 { health.legs[leg].diskMark = diskMark }
      health.legs[leg].isOut = false
      health.legs[leg].isSlow = false
      health.legs[leg].isHeld = false
      health.legs[leg].retry.reset()
      health.changes += 1
    }
    if let refusal = commitQuietly(on: lane) { throw refusal }
    wakeKeeper()
  }

  /// Legs are not written: there is no recovery, resync or repair. Before anything else is done.
  public func setReadOnly() { update { $0.work.isReadOnly = true } }

  /// Says anew what is done with requests, and how each leg is treated; between two requests.
  ///
  /// - Parameter legs: for each leg whether it is write-mostly, and its deadline in milliseconds.
  public func setPolicy(
    _ policy: MirrorPolicy, legs: [(isWriteMostly: Bool, deadlineMilliseconds: UInt32)],
    on lane: IOLane
  ) throws(Errno) {
    try changeLegs(on: lane) { _, old in
      var change = LegChange(old)
      change.policy = policy
      for (index, leg) in zip(old.indices, legs) {
        change.legs[index].isWriteMostly = leg.isWriteMostly
        change.legs[index].deadlineMilliseconds = leg.deadlineMilliseconds
      }
      return change
    }
  }

  /// Ends the set's use while others of the mount go on, and lets the legs go: what comes later is
  /// an error.
  ///
  /// - Throws: what the last flush or the state directory has to say.
  public func retire(on lane: IOLane) throws(Errno) {
    let ticket = rangeLock.acquire(whole, exclusive: true) { lane.willWait?() }
    defer { rangeLock.release(ticket) }
    isRetired.store(true, ordering: .releasing)
    var failure: Errno?
    do throws(Errno) { try flush(on: lane) } catch { failure = error }
    do throws(Errno) { try close(on: lane, isFlushed: failure == nil) } catch { failure = error }
    let late = withHealth { $0.legs.map { $0.lateCount > 0 } }
    for (leg, isLate) in zip(table.legs, late) {
      leg.file?.detach(isLate: isLate)
      leg.claim?.release()
    }
    if let failure { throw failure }
  }

  /// Stops background work, or lets it go on.
  public func setPaused(_ isPaused: Bool) {
    update { $0.work.isPaused = isPaused }
    if !isPaused { wakeKeeper() }
  }

  /// Most bytes a second of background work from now on; 0: no limit.
  public func setRate(bytesPerSecond: UInt64) {
    update { $0.work.bytesPerSecond = bytesPerSecond }
  }
}

extension MirrorHealth {
  /// The operator said which leg is right where legs differ or have never been compared.
  mutating func settleDispute(source: Int) {
    var open = disputed
    open.formUnion(unverified)
    for range in open.ranges {
      legs[source].stale.remove(range)
      for index in legs.indices where index != source {
        legs[index].addStale(range)
      }
    }
    disputed.removeAll()
    unverified.removeAll()
    legs[source].forgetCauses()
  }
}
