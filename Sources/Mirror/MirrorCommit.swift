public import BlockIO
public import DMIO
internal import Synchronization

extension MirrorSet {
  /// Makes sure, before data goes out, that a crash from here on will be noticed (rule M9).
  ///
  /// - Throws: the errno of the state directory: then nothing may be written. EAGAIN on a lane
  ///   that must not wait, where this or the transfer would have to.
  func prepareChange(of range: SectorRange, on lane: IOLane) throws(Errno) {
    if isRetired.load(ordering: .acquiring) { throw .noSuchAddress }
    try checkAtOnce(on: lane)
    guard let durable else { return }
    if !durable.isOpenOnDisk {
      if lane.mustNotWait { throw .wouldBlock }
      // The first change since the mount: from here on the state says "not cleanly unmounted".
      durable.noteOpening()
      if let refusal = commit(on: lane) { throw refusal }
    }
    try durable.intent?.mark(range) { () throws(Errno) in try lane.prepareToWait() }
  }

  /// Makes what the health has learned durable; nil when it is, or when nothing is kept at all.
  ///
  /// Callers that come while a state file is being written share the next.
  func commitQuietly(on lane: IOLane) -> Errno? {
    guard let durable else { return nil }
    let growth = withHealth { $0.growth }
    if durable.committedGrowth >= growth { return nil }
    return commit(on: lane)
  }

  private func commit(on lane: IOLane) -> Errno? {
    guard let durable else { return nil }
    do throws(Errno) {
      try commits.join(willWait: lane.willWait) { () throws(Errno) in
        lane.willWait?()
        try save(durable, isClean: !durable.isOpening)
      }
      return nil
    } catch {
      return error
    }
  }

  /// Writes what is new, if there is anything: of scrubs and counters, which no request waits for.
  public func commitProgress(on lane: IOLane) {
    guard let durable, durable.takeWish() else { return }
    if commit(on: lane) != nil { durable.wantsCommit() }
  }

  /// Writes the state with the mark of a clean stop; what is dirty stays marked.
  ///
  /// Nobody may use the set any more.
  /// - Throws: the errno of the state directory: the next mount then finds an unclean stop.
  public func close(on lane: IOLane, isFlushed: Bool) throws(Errno) {
    guard let durable else { return }
    if isFlushed, let intent = durable.intent {
      let unsettled = withHealth { $0.unsettled }
      for range in intent.marked() {
        guard unsettled.overlaps(range) else {
          try intent.clear(range)
          continue
        }
        for chunk in intent.chunks(of: range) where !unsettled.overlaps(chunk) {
          try intent.clear(chunk)
        }
      }
      try intent.sync()
    }
    var refusal: Errno?
    do throws(Errno) {
      try commits.join { () throws(Errno) in try save(durable, isClean: isFlushed) }
    } catch {
      refusal = error
    }
    if let refusal { throw refusal }
  }

  private func save(_ durable: DurableState, isClean: Bool) throws(Errno) {
    let (state, growth) = withHealth { health in
      (durable.snapshot(of: health, legs: table.legs, isClean: isClean), health.growth)
    }
    try durable.save(state, growth: growth)
  }
}
