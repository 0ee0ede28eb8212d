public import BlockIO
internal import Glibc

/// What background work there is, by falling urgency.
public enum WorkKind: String, Sendable {
  /// Making legs equal after an unclean stop (rule M9).
  case recovery
  /// Copying what legs missed (rule M10).
  case resync
  /// Comparing legs that have never been compared (rule M16).
  case verify
  /// Comparing all legs because somebody asked (rule M11).
  case scrub
}

/// A range where a scrub found legs to differ.
public struct Mismatch: Hashable, Sendable {
  public var range: SectorRange
  /// The legs that differ from the majority; with no majority, all that were compared.
  public var legs: LegBits
}

/// A scrub that was asked for (rule M11); survives a restart.
struct ScrubTask: Hashable, Sendable {
  var range: SectorRange
  /// The next sector to compare.
  var position: Sector
  var isRepair: Bool
  /// The leg that is right, for repairs; nil: the majority.
  var source: Int?

  /// What is left of it.
  var left: SectorRange { SectorRange(position, upTo: range.end) }
}

/// When something that failed is tried again by itself: after 1 s, 2 s, 4 s, up to 5 minutes.
struct RetryClock: Hashable, Sendable {
  private static let longest = 300.0
  private(set) var attempts = 0
  private(set) var next = 0.0
  /// Before the next attempt the leg is opened anew (rule M20).
  private(set) var mustReopen = false

  /// - Parameter now: seconds of the monotonic clock.
  func isDue(_ now: Double) -> Bool { now >= next }

  mutating func noteFailure(_ now: Double) {
    next = now + min(Self.longest, Double(1 << min(attempts, 9)))
    attempts += 1
    mustReopen = true
  }

  mutating func noteReopened() { mustReopen = false }

  /// A request met a failure; a storm of them counts once.
  mutating func noteRequestFailure(_ now: Double) {
    if attempts == 0 || isDue(now) { noteFailure(now) }
  }

  mutating func reset() { self = RetryClock() }
}

/// How fast one kind of work gets on.
struct Pace: Sendable {
  let kind: WorkKind
  let start: Double
  var doneSectors: UInt64 = 0

  /// Seconds of the monotonic clock.
  static func now() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}

/// What the background work of a set is doing. Guarded by the health's lock.
struct WorkState: Sendable {
  /// By the operator.
  var isPaused = false
  /// Legs of a read-only volume are compared, and never written.
  var isReadOnly = false
  /// Most bytes a second of background work; 0: no limit.
  var bytesPerSecond: UInt64 = 0
  /// What is being done now; nil between attempts.
  var active: WorkKind?
  var pace: Pace?
}

extension MirrorHealth {
  /// What of a leg can be resynced: it has been missed, and somebody knows what is right.
  func resyncable(_ index: Int) -> RangeSet {
    let leg = legs[index]
    guard !leg.stale.isEmpty, !leg.isAbsent, !leg.isHeld else { return RangeSet() }
    var ranges = leg.unwrittenStale
    ranges.subtract(disputed)
    return ranges
  }

  /// The most urgent work there is, whether or not it can go on now, and what is left of it.
  var pendingWork: (kind: WorkKind, sectors: UInt64)? {
    if !unsettled.isEmpty { return (.recovery, unsettled.sectorCount.rawValue) }
    var left: UInt64 = 0
    var isUnflushed = false
    for index in legs.indices {
      left += resyncable(index).sectorCount.rawValue
      let leg = legs[index]
      isUnflushed = isUnflushed || !leg.isAbsent && !(leg.rewritten.isEmpty && leg.flushing.isEmpty)
    }
    if left > 0 || isUnflushed { return (.resync, left) }
    if !unverified.isEmpty { return (.verify, unverified.sectorCount.rawValue) }
    if let scrub { return (.scrub, scrub.left.count.rawValue) }
    return nil
  }

  /// `user.mirrorfs.progress`: `resync 42.0% 118MiB/s eta=31s`, or `none`.
  func progress(now: Double) -> String {
    guard let (kind, left) = pendingWork else { return "none" }
    var done = work.pace.map { $0.kind == kind ? $0.doneSectors : 0 } ?? 0
    if kind == .scrub, let scrub { done = (scrub.position - scrub.range.first).rawValue }
    let percent = done + left == 0 ? 100 : Double(done) * 100 / Double(done + left)
    let tenths = Int(percent * 10)
    let text = "\(kind.rawValue) \(tenths / 10).\(tenths % 10)%"
    if work.isPaused { return "paused \(text)" }
    guard let pace = work.pace, work.active == kind, pace.kind == kind, pace.doneSectors > 0 else {
      return "\(text) waiting"
    }
    let rate = Double(pace.doneSectors) * Double(sectorByteCount) / max(0.001, now - pace.start)
    let seconds = Int((Double(left) * Double(sectorByteCount) / max(1, rate)).rounded(.up))
    return "\(text) \(Int(rate / 1_048_576))MiB/s eta=\(seconds)s"
  }
}
