internal import BlockIO
internal import Glibc
public import Mirror

/// The last changes of a volume, for whoever asks what happened; kept in memory only. Any thread.
public final class ChangeHistory: Sendable {
  /// One change.
  public struct Entry: Codable, Hashable, Sendable {
    /// UTC, `2026-01-31T12:00:00Z`.
    public let time: String
    public let text: String
  }

  /// Entries that are kept.
  static let mostEntries = 8

  private let kept = ConditionLock<[Entry]>([])

  public init() {}

  /// The oldest first.
  public var entries: [Entry] { kept.withLock { $0 } }

  /// Notes that an event has just come.
  public func note(_ event: MirrorEvent) {
    let text =
      switch event {
      case .leg(let index, let status): "leg \(index) \(status.legs[index].letter.word)"
      case .state(let status): "volume \(status.state.word)"
      case .note(let words, _): Self.plain(words)
      }
    let entry = Entry(time: UTCTime.text(time(nil)), text: text)
    kept.withLock { entries in
      if entries.count == Self.mostEntries { entries.removeFirst() }
      entries.append(entry)
    }
  }

  /// `leg=1 replacement=begun` as people say it: `leg 1 replacement begun`.
  private static func plain(_ words: String) -> String {
    words.split(separator: " ").map { word in
      word.split(separator: "=", maxSplits: 1).joined(separator: " ")
    }.joined(separator: " ")
  }
}
