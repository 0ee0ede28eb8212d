internal import BlockIO
internal import DMIO

/// The legs of a set between two changes, with what every request needs of them made beforehand.
final class LegTable: Sendable {
  let legs: [Leg]
  /// Where the legs are, without their names: copied freely.
  let regions: [Region]
  /// Of leg n, in milliseconds (rule M12).
  let deadlines: Deadlines
  /// What a read of one leg hands on.
  let readDeadlines: [Deadlines]
  let selector: LegSelector
  let policy: MirrorPolicy
  var all: LegBits { .all(count: legs.count) }

  init(_ legs: [Leg], _ policy: MirrorPolicy) {
    self.policy = policy
    self.legs = legs
    regions = legs.map(\.region)
    deadlines = legs.map(\.deadlineMilliseconds)
    readDeadlines = deadlines.map { [$0] }
    selector = LegSelector(policy: policy.readPolicy, writeMostly: legs.map(\.isWriteMostly))
  }
}

/// A change of a set's legs.
struct LegChange {
  var legs: [Leg]
  /// For each leg the number that it had; nil for a new one.
  var origins: [Int?]
  /// Nil: as before.
  var policy: MirrorPolicy?
}

extension MirrorSet {
  /// Changes the legs, and what is known of them, while no request is under way.
  ///
  /// The state on disk is that of the new legs before the first request meets them.
  /// - Parameter change: called twice, because nothing is changed when the state cannot be written.
  /// - Throws: the errno of the state directory; then all is as before.
  func changeLegs(
    on lane: IOLane, _ change: (inout MirrorHealth, [Leg]) -> LegChange
  ) throws(Errno) {
    let ticket = rangeLock.acquire(whole, exclusive: true) { lane.willWait?() }
    defer { rangeLock.release(ticket) }
    var isChanged = false
    do throws(Errno) {
      try changeAlone(on: lane, change) { isChanged = true }
    } catch  where isChanged {
      // A loss in the flush before it, which was told to who had asked for a flush.
    }
  }

  private func changeAlone(
    on lane: IOLane, _ change: (inout MirrorHealth, [Leg]) -> LegChange, _ whenChanged: () -> Void
  ) throws(Errno) {
    try flushes.alone(willWait: lane.willWait) { () throws(Errno) in
      // Whoever waits for a flush shares this one. A loss is kept for the next to report.
      var loss: Errno?
      do throws(Errno) { try flushNow(on: lane, isAsked: false) } catch { loss = error }
      try commits.alone(willWait: lane.willWait) { () throws(Errno) in
        if let durable {
          var future = withHealth { $0 }
          let legs = change(&future, table.legs).legs
          try durable.save(
            durable.snapshot(of: future, legs: legs, isClean: !durable.isOpening),
            growth: future.growth)
        }
        replaceTable(change)
        whenChanged()
      }
      if let loss { throw loss }
    }
  }
}
