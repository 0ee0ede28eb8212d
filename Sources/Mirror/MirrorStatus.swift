public import BlockIO

/// How a whole volume is; by rising severity.
public enum MirrorState: Int, Comparable, Sendable {
  case inSync
  /// Legs are being made equal, or compared.
  case resyncing
  case degraded
  case failed

  /// The word of `user.mirrorfs.state`.
  public var word: String {
    switch self {
    case .inSync: "in-sync"
    case .resyncing: "resyncing"
    case .degraded: "degraded"
    case .failed: "failed"
    }
  }

  public static func < (a: MirrorState, b: MirrorState) -> Bool { a.rawValue < b.rawValue }
}

/// How one leg is.
public struct LegStatus: Sendable {
  public let letter: LegLetter
  /// The device as the user named it.
  public let device: String
  /// The leg's sectors on its device.
  public let region: SectorRange
  public let counters: LegCounters
  public let lastError: LegError?
  /// Sectors of the volume that this leg missed, by rising sector.
  public let stale: [SectorRange]
  /// The number of the leg that this one is to replace; nil for all but a new one.
  public let replaces: Int?
  /// What it misses is not copied to it, and where it is in sync nowhere it is not written to,
  /// before somebody asks: it may hold what is wanted.
  public let isHeld: Bool
}

/// Everything there is to know about a mirror set at one moment: the one value that log, extended
/// attributes and JSON are made from, so that they cannot disagree.
public struct MirrorStatus: Sendable {
  public let state: MirrorState
  public let legs: [LegStatus]
  /// Legs that are failing or stale now.
  public let errorBits: LegBits
  /// Every leg that failed since the errors were last cleared.
  public let errorBitsSeen: LegBits
  /// The legs that failed in the last request that had an error.
  public let errorBitsLast: LegBits
  /// The background work that is under way or waits: `resync 42.0% 118MiB/s eta=31s`, or `none`.
  public let progress: String
  /// Where legs differ and nobody has said which is right.
  public let disputed: [SectorRange]
  /// What the last scrub found.
  public let mismatches: [Mismatch]

  /// One letter a leg: `AD`.
  public var letters: String { String(legs.map(\.letter.letter)) }

  init(_ health: MirrorHealth, legs: [Leg]) {
    errorBits = health.errorBits
    errorBitsSeen = health.errorBitsSeen
    errorBitsLast = health.errorBitsLast
    state = health.state
    progress = health.progress(now: Pace.now())
    disputed = health.disputed.ranges
    mismatches = health.mismatches
    self.legs = zip(legs, health.legs).map { leg, record in
      LegStatus(
        letter: record.letter, device: leg.name, region: leg.region.sectors,
        counters: record.counters, lastError: record.lastError,
        stale: record.stale.parts(of: health.whole), replaces: record.replaces,
        isHeld: record.isHeld && !record.stale.isEmpty)
    }
  }
}

/// A change that a log or a monitor wants to hear of.
public enum MirrorEvent: Sendable {
  /// The letter of one leg changed.
  case leg(index: Int, status: MirrorStatus)
  /// The set failed, or is no longer failed.
  case state(status: MirrorStatus)
  /// Something that background work did or found, as `key=value` words.
  case note(String, isWarning: Bool)
}

/// What the observer was told last, so that it hears of changes only, once each.
struct MirrorReport: Sendable {
  private var letters: [LegLetter]
  private var state = MirrorState.inSync

  init(legCount: Int) { letters = Array(repeating: .alive, count: legCount) }

  /// - Parameter origins: for each leg the number that it had; nil for a new one.
  mutating func renumber(_ origins: [Int?]) {
    letters = origins.map { origin in origin.map { letters[$0] } ?? .alive }
  }

  /// Whether there is anything to tell; cheap, because every failing request asks.
  func differs(from health: MirrorHealth) -> Bool {
    state != health.state || zip(letters, health.legs).contains { $0 != $1.letter }
  }

  mutating func events(for status: MirrorStatus) -> [MirrorEvent] {
    var events: [MirrorEvent] = []
    for (index, leg) in status.legs.enumerated() where leg.letter != letters[index] {
      letters[index] = leg.letter
      events.append(.leg(index: index, status: status))
    }
    // A leg's change says by itself that a set is degraded or in sync: one event, one report.
    let isNews = state == .failed || status.state == .failed || events.isEmpty
    // Between attempts to resync a leg a set is degraded: that is no news each time.
    let isAttempt = [state, status.state].allSatisfy { $0 == .degraded || $0 == .resyncing }
    if status.state != state, isNews, !isAttempt { events.append(.state(status: status)) }
    state = status.state
    return events
  }
}
