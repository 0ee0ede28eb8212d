/// How a leg is, in one letter, as in `dmsetup status` (rule M18). By rising severity.
public enum LegLetter: Int, Comparable, Sendable, CaseIterable {
  case alive
  case readErrors
  case outOfSync
  case noSpace
  case writeFailed
  case flushFailed
  case slow
  case takenOut

  public var letter: Character {
    switch self {
    case .alive: "A"
    case .readErrors: "R"
    case .outOfSync: "S"
    case .noSpace: "N"
    case .writeFailed: "D"
    case .flushFailed: "F"
    case .slow: "W"
    case .takenOut: "O"
    }
  }

  /// The word of `user.mirrorfs.leg.N.state`.
  public var word: String {
    switch self {
    case .alive: "alive"
    case .readErrors: "read-errors"
    case .outOfSync: "out-of-sync"
    case .noSpace: "no-space"
    case .writeFailed: "write-failed"
    case .flushFailed: "flush-failed"
    case .slow: "slow"
    case .takenOut: "taken-out"
    }
  }

  public static func < (a: LegLetter, b: LegLetter) -> Bool { a.rawValue < b.rawValue }
}
