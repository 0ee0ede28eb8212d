import BlockIO
import Glibc

/// Keeps a leg that comes and goes from flooding the log: past a few lines a minute it is counted,
/// and the count goes with the next line. Any thread.
final class LogThrottle: Sendable {
  private struct Source {
    var minute = 0
    var lineCount = 0
    var droppedCount = 0
  }

  /// Lines of one leg or volume in one minute.
  private static let mostLines = 10

  private let sources = ConditionLock<[String: Source]>([:])

  /// How many lines of this source were dropped since the last that passed; nil: drop this one,
  /// too.
  func pass(_ source: String) -> Int? {
    let minute = time(nil) / 60
    return sources.withLock { sources in
      var entry = sources[source] ?? Source()
      defer { sources[source] = entry }
      if entry.minute != minute { (entry.minute, entry.lineCount) = (minute, 0) }
      guard entry.lineCount < Self.mostLines else {
        entry.droppedCount += 1
        return nil
      }
      entry.lineCount += 1
      defer { entry.droppedCount = 0 }
      return entry.droppedCount
    }
  }
}
