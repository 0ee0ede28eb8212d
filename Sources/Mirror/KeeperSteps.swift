internal import BlockIO
internal import DMIO
internal import Glibc

extension MirrorKeeper {
  /// Makes in-sync legs equal after an unclean stop, from the one that reads came from (rule M9).
  func recover(_ range: SectorRange) {
    let outcome = change(range) { (held) throws(Errno) in
      for (segment, inSync) in set.segments(of: range) {
        let source = inSync.lowestIndex ?? 0
        try unsafe held.read(segment, into: buffers[source])
        // Who is in sync may have changed with that read.
        let others = set.withHealth { $0.readableLegs(segment) }.subtracting(
          LegBits(index: source))
        let unread = readAll(segment, others)
        let wrong = differing(others.subtracting(unread), from: source, in: segment, of: segment)
        unsafe try held.rewrite(segment, from: unsafe buffers[source], to: wrong.union(unread))
        // Legs that are passed by cannot be made equal now, and may have missed what was under way.
        let absent = set.withHealth { $0.absentLegs.intersection($0.inSyncLegs(segment)) }
        if absent.isEmpty { continue }
        set.update { health in _ = health.markStale(absent, segment) { _ in [] } }
        if let refusal = set.commitQuietly(on: lane) { throw refusal }
      }
      set.update { $0.unsettled.remove(range) }
    }
    guard let error = outcome else { return settleIfDone(.recovery) }
    // A leg is late: nothing is decided yet.
    if error == .restart { return }
    // No leg can be read here: nothing to make equal, and the next write decides.
    set.update { $0.unsettled.remove(range) }
    set.note("recovery=skipped range=\(range) errno=\(error.name)", isWarning: true)
    settleIfDone(.recovery)
  }

  /// Copies a stale range to the legs that missed it (rule M10).
  /// False when it could not be copied; it is tried again later.
  func resync(_ range: SectorRange, _ targets: LegBits, now: Double) -> Bool {
    for index in targets.indices where !prepareReturn(of: index, now: now) { return false }
    var isCopied = true
    let error = change(range) { (held) throws(Errno) in
      for (segment, inSync) in set.segments(of: range) {
        let stale = targets.subtracting(inSync)
        let wanted = set.withHealth { health in
          LegBits(indices: stale.indices.filter { health.resyncable($0).overlaps(segment) })
        }
        guard !wanted.isEmpty else { continue }
        try unsafe held.read(segment, into: buffers[0])
        if try unsafe !held.copy(segment, from: buffers[0], to: wanted, now: now) {
          isCopied = false
        }
      }
    }
    if error == .restart { return false }
    if error != nil {
      // The source could not be read: the next attempt has to wait, too.
      set.update { health in
        for index in targets.indices where index < health.legs.count {
          health.legs[index].retry.noteFailure(now)
        }
      }
    }
    return isCopied && error == nil
  }

  /// A leg that failed before is opened anew and looked at before it is written (rule M20).
  func prepareReturn(of index: Int, now: Double) -> Bool {
    // A replacement may have been given up meanwhile.
    let mustReopen = set.withHealth { index < $0.legs.count && $0.legs[index].retry.mustReopen }
    guard mustReopen, table.legs[index].file != nil else { return true }
    do throws(Errno) {
      let (isSame, diskMark) = try set.reopen(index, of: table.legs[index], on: lane)
      if !isSame { return hold(index, diskMark) }
      update(index) { $0.retry.noteReopened() }
      return true
    } catch {
      update(index) { $0.retry.noteFailure(now) }
      return false
    }
  }

  /// Changes a leg's record, if there is still such a leg.
  private func update(_ index: Int, _ body: (inout LegRecord) -> Void) {
    set.update { health in if index < health.legs.count { body(&health.legs[index]) } }
  }

  /// What came back is not what went: nothing of it is believed, and it waits for a command.
  private func hold(_ index: Int, _ diskMark: UInt64) -> Bool {
    set.update { health in
      guard index < health.legs.count else { return }
      health.legs[index].diskMark = diskMark
      _ = health.markStale(LegBits(index: index), health.whole) { _ in [] }
      health.legs[index].isHeld = true
      health.changes += 1
    }
    set.note("leg=\(index) leg_is=changed reason=\"another file came back\"", isWarning: true)
    _ = set.commitQuietly(on: lane)
    return false
  }

  /// Writes a range that a leg could not read from another leg, and reads it again (rule M2).
  func repair(_ range: SectorRange, leg: Int, now: Double) {
    let block = SectorCount(UInt64(set.logicalBlockByteCount / sectorByteCount))
    var first = range.first
    while first < range.end {
      let part = SectorRange(first, upTo: min(range.end, first + block))
      first = part.end
      let error = change(part) { (held) throws(Errno) in
        if unsafe try held.isReadable(part, leg: leg, into: unsafe buffers[leg]) {
          set.update { $0.legs[leg].unreadable.remove(part) }
          return
        }
        // The buffer is spoilt where the leg was late.
        guard lane.lateCount == 0 else { throw .restart }
        try set.prepareChange(of: part, on: lane)
        let others = set.withHealth { $0.readableLegs(part).subtracting(LegBits(index: leg)) }
        let isRead = unsafe try held.readAny(part, of: others, into: unsafe buffers[leg])
        guard isRead, lane.lateCount == 0 else { throw .ioError }
        unsafe try held.correct(part, leg: leg, from: unsafe buffers[leg])
      }
      if error != nil { return update(leg) { $0.retry.noteFailure(now) } }
    }
    update(leg) { if $0.unreadable.isEmpty { $0.retry.reset() } }
  }

  /// Holds a range for `body` alone; nil when it did not throw.
  func change(
    _ range: SectorRange, _ body: (borrowing HeldRange) throws(Errno) -> Void
  ) -> Errno? { hold(range, isExclusive: true, body) }

  /// Holds a range against writers while `body` reads; nil when it did not throw.
  func look(
    _ range: SectorRange, _ body: (borrowing HeldRange) throws(Errno) -> Void
  ) -> Errno? { hold(range, isExclusive: false, body) }

  /// Not by way of `MirrorSet.changing`: the optimizer of Swift 6.3.1 crashes ("forwardToInit")
  /// when it specialises that for a body without a result.
  @inline(never)
  private func hold(
    _ range: SectorRange, isExclusive: Bool,
    _ body: (borrowing HeldRange) throws(Errno) -> Void
  ) -> Errno? {
    let ticket = set.rangeLock.acquire(range, exclusive: isExclusive) { lane.willWait?() }
    defer { set.rangeLock.release(ticket) }
    // Legs have other numbers by now: planned anew.
    guard set.table === table else { return .restart }
    do throws(Errno) {
      try body(HeldRange(of: set, range, on: lane, isExclusive: isExclusive))
      return nil
    } catch .awaitLegs {
      return .ioError
    } catch {
      return error
    }
  }

  func settleIfDone(_ kind: WorkKind) {
    let isDone = set.withHealth { health in
      kind == .recovery ? health.unsettled.isEmpty : health.unverified.isEmpty
    }
    guard isDone else { return }
    set.note("\(kind.rawValue)=finished", isWarning: false)
    set.durable?.wantsCommit()
  }
}

extension LegBits {
  init(indices: [Int]) {
    self = []
    for index in indices { insert(index: index) }
  }
}

extension HeldRange {
  /// Writes to some in-sync legs only, to make them equal to another; the others miss nothing.
  borrowing func rewrite(
    _ part: SectorRange, from memory: UnsafeRawPointer, to targets: LegBits
  ) throws(Errno) {
    guard !targets.isEmpty else { return }
    try set.prepareChange(of: part, on: lane)
    let result = unsafe transfer(.write, part, from: memory, to: targets)
    set.written.note(part)
    guard !result.isSuccess else { return }
    set.update { health in
      set.noteErrors(result, .write, part, in: &health)
      _ = health.markStale(result.failed, part) { _ in .writeFailed }
    }
    if let refusal = set.commitQuietly(on: lane) { throw refusal }
  }

  /// Writes what stale legs missed; it counts after the next good flush. False when a leg failed.
  borrowing func copy(
    _ part: SectorRange, from memory: UnsafeRawPointer, to targets: LegBits, now: Double
  ) throws(Errno) -> Bool {
    let flushFailures = set.flushFailureCount
    let result = unsafe transfer(.write, part, from: memory, to: targets)
    set.written.note(part)
    set.update { health in
      set.noteErrors(result, .write, part, in: &health)
      for index in targets.indices {
        if result.failed.contains(index: index) {
          health.legs[index].retry.noteFailure(now)
        } else if set.flushFailureCount == flushFailures {
          health.legs[index].noteWritten(part)
        }
      }
    }
    return result.isSuccess
  }

  /// Whether a leg can read the part now.
  borrowing func isReadable(
    _ part: SectorRange, leg: Int, into memory: UnsafeMutableRawPointer
  ) throws(Errno) -> Bool {
    unsafe readLeg(leg, part, into: memory).isSuccess
  }

  /// Reads from the first of these legs that can.
  borrowing func readAny(
    _ part: SectorRange, of candidates: LegBits, into memory: UnsafeMutableRawPointer
  ) throws(Errno) -> Bool {
    for leg in candidates.indices where unsafe readLeg(leg, part, into: memory).isSuccess {
      return true
    }
    return false
  }

  /// Writes good data over what a leg cannot read, and reads it back.
  borrowing func correct(
    _ part: SectorRange, leg: Int, from memory: UnsafeMutableRawPointer
  ) throws(Errno) {
    let result = unsafe transfer(.write, part, from: memory, to: LegBits(index: leg))
    set.written.note(part)
    guard result.isSuccess else {
      set.update { health in
        set.noteErrors(result, .write, part, in: &health)
        _ = health.markStale(result.failed, part) { _ in .writeFailed }
      }
      if let refusal = set.commitQuietly(on: lane) { throw refusal }
      throw result.errorForCaller
    }
    let check = unsafe readLeg(leg, part, into: memory)
    guard check.isSuccess else { throw check.errorForCaller }
    set.update { health in
      health.legs[leg].unreadable.remove(part)
      health.legs[leg].counters.corrected += 1
    }
    set.durable?.wantsCommit()
  }
}
