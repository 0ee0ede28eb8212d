import BlockIO
import CLinux
import Glibc
import Logging

/// Where log lines go.
enum LogTarget: Sendable {
  case standardError
  case systemLog
  /// An open descriptor; lines are appended.
  case file(CInt)
  /// The same for lines that are JSON, and carry their time themselves.
  case records(CInt)
}

/// Writes log lines on a thread of its own, in order: whoever logs never waits for a full pipe or
/// a slow disk.
final class EventLog: Sendable {
  private struct State {
    var lines: [(Logger.Level, String)] = []
    var droppedCount = 0
    var isEnding = false
  }

  /// Lines that may wait; more are counted, and the count is logged.
  private static let mostLines = 10_000

  private let target: LogTarget
  private let state = ConditionLock(State())
  private let thread = ConditionLock<IOThread?>(nil)

  init(target: LogTarget) {
    self.target = target
    let made = IOThread(name: "mirrorfs-log") { self.run() }
    thread.withLock { $0 = made }
  }

  func append(_ level: Logger.Level, _ line: String) {
    state.withLock { state in
      if state.lines.count < Self.mostLines {
        state.lines.append((level, line))
      } else {
        state.droppedCount += 1
      }
    }
    state.wakeAll()
  }

  /// Writes what is waiting, and ends. Lines appended afterwards are lost.
  func end() {
    state.withLock { $0.isEnding = true }
    state.wakeAll()
    thread.withLock { thread in
      thread?.join()
      thread = nil
    }
  }

  private func run() {
    while true {
      let (lines, dropped) = state.wait { state -> ([(Logger.Level, String)], Int)? in
        guard !state.lines.isEmpty || state.isEnding else { return nil }
        defer {
          state.lines.removeAll()
          state.droppedCount = 0
        }
        return (state.lines, state.droppedCount)
      }
      if lines.isEmpty { return }
      for (level, line) in lines { write(level, line) }
      if dropped > 0 { write(.warning, notice(ofDropped: dropped)) }
    }
  }

  private func write(_ level: Logger.Level, _ line: String) {
    switch target {
    case .systemLog:
      let severity = level >= .error ? LOG_ERR : level >= .warning ? LOG_WARNING : LOG_INFO
      unsafe linux_syslog(severity, line)
    case .standardError:
      put(line, STDERR_FILENO, level)
    case .file(let descriptor):
      put(line, descriptor, level)
    case .records(let descriptor):
      let record = line + "\n"
      unsafe _ = Glibc.write(descriptor, record, record.utf8.count)
    }
  }

  private func notice(ofDropped count: Int) -> String {
    guard case .records = target else { return "\(count) lines were dropped" }
    var record = EventRecord("dropped")
    record.add("count", count)
    return record.line
  }

  /// The time now: `2026-01-31T12:00:00Z`.
  static func stamp() -> String {
    var parts = unsafe tm()
    var now = time(nil)
    unsafe gmtime_r(&now, &parts)
    var text = [CChar](repeating: 0, count: 32)
    unsafe strftime(&text, text.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8($0) }, as: UTF8.self)
  }

  private func put(_ line: String, _ descriptor: CInt, _ level: Logger.Level) {
    let full = "\(Self.stamp()) \(level.rawValue) \(line)\n"
    unsafe _ = Glibc.write(descriptor, full, full.utf8.count)
  }
}

/// swift-log's way into the event log: `key=value` pairs behind the message.
struct EventLogHandler: LogHandler {
  let log: EventLog
  var logLevel = Logger.Level.info
  var metadata: Logger.Metadata = [:]

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let pairs = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
    let words = [event.message.description] + pairs.map { "\($0.key)=\($0.value)" }
    log.append(event.level, words.joined(separator: " "))
  }
}
