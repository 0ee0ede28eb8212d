internal import BlockIO
public import DMIO
internal import Glibc

/// The background work of a set: recovery, resync, read repair, verify, scrub, and the cleaning of
/// the intent map. One thread at a time; it works in steps of at most 1 MiB, each under the range
/// lock of what it touches, so that requests wait for a step at most.
@safe public final class MirrorKeeper {
  // Safe: the buffers are made in init, freed in deinit, and only lent to calls made in between.

  /// Bytes of one step, and of each leg's buffer.
  static let stepByteCount = 1 << 20
  /// Steps between flushes of what was copied.
  private static let stepsPerFlush = 64

  let set: MirrorSet
  /// The legs that the keeper has buffers for; with others it ends.
  let table: LegTable
  let lane: IOLane
  /// One a leg, as long as a step; page aligned.
  let buffers: [UnsafeMutableRawPointer]
  let stepSectors: SectorCount
  private var stepsSinceFlush = 0

  /// - Parameter lane: the calling thread's; it is used until the keeper is let go.
  public init(_ set: MirrorSet, lane: IOLane) {
    self.set = set
    self.lane = lane
    let legs = set.legs
    table = set.withHealth { _ in set.table }
    // Many legs: smaller steps, so that the buffers stay small.
    let byteCount = max(1 << 16, Self.stepByteCount * 4 / max(4, legs.count))
    stepSectors = SectorCount(UInt64(byteCount / sectorByteCount))
    unsafe buffers = legs.map { _ in
      UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 4096)
    }
  }

  deinit {
    // A late read may still write into them.
    let buffers = unsafe buffers
    lane.afterLateRequests {
      for index in unsafe buffers.indices { unsafe buffers[index].deallocate() }
    }
  }

  /// Works until there is nothing to do now, the operator says pause, a leg is late, or `mayGoOn`
  /// says no.
  public func work(whileAllowed mayGoOn: () -> Bool) {
    while mayGoOn(), lane.lateCount == 0, isUpToDate {
      let began = Pace.now()
      guard let (kind, doneSectors, holes) = step(now: began) else { break }
      note(kind, doneSectors + holes)
      clean(now: began)
      slowDown(after: doneSectors, since: began, mayGoOn)
    }
    if stepsSinceFlush > 0 { flush() }
    set.endWork()
    clean(now: Pace.now())
    set.commitProgress(on: lane)
  }

  /// One step of the most urgent work that can go on; nil when there is none. Holes are no work
  /// that would have to be slowed down.
  private func step(now: Double) -> (kind: WorkKind?, sectors: UInt64, holes: UInt64)? {
    let plan = set.withHealth { health -> Plan in
      if health.work.isPaused { return .nothing }
      return health.plan(now: now, step: self.stepSectors)
    }
    let (kind, holes) = passHoles(plan)
    if holes > 0 { return (kind, 0, holes) }
    return step(plan, now: now).map { ($0.kind, $0.sectors, 0) }
  }

  private func passHoles(_ plan: Plan) -> (kind: WorkKind?, sectors: UInt64) {
    switch plan {
    case .recover(let range): (.recovery, recoverHoles(range))
    case .resync(let range, let targets): (.resync, resyncHoles(range, targets))
    case .verify(let range): (.verify, verifyHoles(range))
    case .scrub(_, let task): (.scrub, scrubHoles(task))
    default: (nil, 0)
    }
  }

  private func step(_ plan: Plan, now: Double) -> (kind: WorkKind?, sectors: UInt64)? {
    switch plan {
    case .nothing: return nil
    case .recover(let range):
      recover(range)
      return (.recovery, range.count.rawValue)
    case .resync(let range, let targets):
      // An attempt that failed is no work: the volume stays degraded, and does not flicker.
      guard resync(range, targets, now: now) else { return (nil, 0) }
      stepsSinceFlush += 1
      if stepsSinceFlush >= Self.stepsPerFlush { flush() }
      return (.resync, range.count.rawValue)
    case .flush:
      flush()
      return (.resync, 0)
    case .repair(let range, let leg):
      repair(range, leg: leg, now: now)
      return (nil, range.count.rawValue)
    case .reopen(let leg):
      reopen(leg, now: now)
      return (nil, 0)
    case .endReplacement:
      endReplacement(now: now)
      return (nil, 0)
    case .probe(let leg):
      probe(leg, now: now)
      return (nil, 0)
    case .verify(let range):
      return (.verify, verify(range))
    case .scrub(let range, let task):
      scrub(range, task)
      return (.scrub, range.count.rawValue)
    }
  }

  /// Whether the legs are those that the keeper knows.
  private var isUpToDate: Bool {
    let set = self.set
    return set.withHealth { _ in set.table === table }
  }

  private func endReplacement(now: Double) {
    do throws(Errno) {
      try set.endReplacement(on: lane)
    } catch {
      // The state directory's: tried again later.
      set.update { health in
        for index in health.legs.indices { health.legs[index].retry.noteFailure(now) }
      }
    }
  }

  /// Copied data counts only when it is flushed (rule M4).
  private func flush() {
    stepsSinceFlush = 0
    set.flushUnasked(on: lane)
  }

  private func note(_ kind: WorkKind?, _ sectors: UInt64) {
    guard let kind else { return }
    set.update { health in
      if health.work.pace?.kind != kind { health.work.pace = Pace(kind: kind, start: Pace.now()) }
      health.work.active = kind
      health.work.pace?.doneSectors += sectors
    }
  }

  private func slowDown(after sectors: UInt64, since began: Double, _ mayGoOn: () -> Bool) {
    while mayGoOn(), isUpToDate {
      // It may be another one by now.
      let rate = set.withHealth { $0.work.bytesPerSecond }
      guard rate > 0 else { return }
      let end = began + Double(sectors) * Double(sectorByteCount) / Double(rate)
      let left = end - Pace.now()
      if left <= 0 { return }
      usleep(UInt32(min(left, 0.1) * 1e6))
    }
  }

  /// Takes marks out of the intent map where the legs are flushed and equal (rule M9).
  private func clean(now: Double) {
    guard let durable = set.durable, durable.takeCleaning(now: now) else { return }
    set.commitProgress(on: lane)
    guard let intent = durable.intent else { return }
    let idle = intent.takeIdle()
    guard !idle.isEmpty else { return }
    set.flushUnasked(on: lane)
    guard set.commitQuietly(on: lane) == nil else { return }
    for range in idle {
      if set.clean(range, intent, on: lane) { continue }
      for chunk in intent.chunks(of: range) { _ = set.clean(chunk, intent, on: lane) }
    }
  }
}

extension MirrorSet {
  /// A range cut where the set of in-sync legs changes.
  func segments(of range: SectorRange) -> [(range: SectorRange, inSync: LegBits)] {
    withHealth { $0.segments(of: range) }
  }

  /// Whether the keeper has something to do now. Cheap enough to ask a few times a second.
  public func hasWork() -> Bool {
    if isTroubled || hasScrub {
      let now = Pace.now()
      let hasPlan = withHealth { health -> Bool in
        guard !health.work.isPaused else { return false }
        if case .nothing = health.plan(now: now, step: SectorCount(2048)) { return false }
        return true
      }
      if hasPlan { return true }
    }
    guard let durable else { return false }
    return durable.isWishing || durable.isCleaningDue(now: Pace.now())
  }

  private var hasScrub: Bool { withHealth { $0.scrub != nil } }

  func endWork() {
    update { health in
      health.work.active = nil
      health.work.pace = nil
    }
  }

  /// Asks for the keeper at once, not at the next look.
  func wakeKeeper() { onWork.withLock { $0?() } }

  /// Calls `wake` whenever there is new work; on any thread, it must not block.
  public func whenWorkComes(_ wake: (@Sendable () -> Void)?) { onWork.withLock { $0 = wake } }

  /// Takes the marks of these chunks away; false where some of them may still be needed.
  func clean(_ chunks: SectorRange, _ intent: IntentMap, on lane: IOLane) -> Bool {
    let ticket = rangeLock.acquire(chunks, exclusive: true) { lane.willWait?() }
    defer { rangeLock.release(ticket) }
    // Nobody writes here now. What was written and not flushed keeps its mark.
    if written.unflushed().overlaps(chunks) { return false }
    if withHealth({ $0.unsettled.overlaps(chunks) }) { return false }
    // A mark too many is harmless; the next look tries again.
    try? intent.clear(chunks)
    return true
  }
}
