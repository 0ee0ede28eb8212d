internal import BlockIO

/// The next step of background work.
enum Plan: Sendable {
  case nothing
  case recover(SectorRange)
  case resync(SectorRange, targets: LegBits)
  /// Everything was copied; what is left is to make it durable.
  case flush
  case repair(SectorRange, leg: Int)
  /// Whether a slow leg answers again.
  case probe(leg: Int)
  /// A new leg holds everything, and takes the old one's place.
  case endReplacement
  /// Whether the last copy of something is there again.
  case reopen(leg: Int)
  case verify(SectorRange)
  case scrub(SectorRange, ScrubTask)
}

extension MirrorHealth {
  /// The most urgent step that can go on now.
  func plan(now: Double, step: SectorCount) -> Plan {
    for (index, leg) in legs.enumerated()
    where leg.isSlow && leg.lateCount == 0 && !leg.isOut && leg.retry.isDue(now) {
      return .probe(leg: index)
    }
    for (index, leg) in legs.enumerated() where needsReopening(leg) && leg.retry.isDue(now) {
      return .reopen(leg: index)
    }
    if let index = completeReplacement, legs[index].retry.isDue(now) { return .endReplacement }
    if !work.isReadOnly, let plan = mendingPlan(now: now, step: step) { return plan }
    if let range = unverified.ranges.first, legs.allSatisfy({ $0.retry.isDue(now) && !$0.isSlow }) {
      return .verify(range.start(step))
    }
    if let scrub { return .scrub(scrub.left.start(step), scrub) }
    return .nothing
  }

  private func needsReopening(_ leg: LegRecord) -> Bool {
    guard leg.retry.mustReopen, !leg.isAbsent else { return false }
    return !leg.unwritten.isEmpty || !unserved.isEmpty && !leg.unreadable.isEmpty
  }

  /// Steps that write to legs.
  private func mendingPlan(now: Double, step: SectorCount) -> Plan? {
    if let range = unsettled.ranges.first { return .recover(range.start(step)) }
    if let plan = resyncPlan(now: now, step: step) { return plan }
    for (index, leg) in legs.enumerated() where leg.retry.isDue(now) && !leg.isAbsent {
      if let range = leg.unreadable.ranges.first { return .repair(range.start(step), leg: index) }
    }
    return nil
  }

  private func resyncPlan(now: Double, step: SectorCount) -> Plan? {
    var first: SectorRange?
    var isUnflushed = false
    for (index, leg) in legs.enumerated() where !leg.stale.isEmpty && leg.retry.isDue(now) {
      if let range = resyncable(index).ranges.first {
        first = min(first ?? range, range) { $0.first < $1.first }
      }
      isUnflushed = isUnflushed || !leg.isAbsent && !leg.rewritten.isEmpty
    }
    guard let range = first?.start(step) else { return isUnflushed ? .flush : nil }
    var targets: LegBits = []
    for (index, leg) in legs.enumerated()
    where leg.retry.isDue(now) && resyncable(index).overlaps(range) {
      targets.insert(index: index)
    }
    return .resync(range, targets: targets)
  }
}

private func min(
  _ a: SectorRange, _ b: SectorRange, by isLess: (SectorRange, SectorRange) -> Bool
) -> SectorRange { isLess(b, a) ? b : a }

extension SectorRange {
  /// At most `count` sectors from the start; ends on a multiple of `count`, so that steps line up.
  func start(_ count: SectorCount) -> SectorRange {
    let edge = (first.rawValue / count.rawValue + 1) * count.rawValue
    return SectorRange(first, upTo: Swift.min(end, Sector(edge)))
  }
}
