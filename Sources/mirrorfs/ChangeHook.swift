import BlockIO
import CLinux
import Glibc
import Logging
import Mirror

/// Runs a program when a state changes, with the facts in its environment. Whoever reports a change
/// never waits for it: one program runs at a time, on a thread of the hook.
///
/// For one leg or volume it is started once a second at most; of changes that come faster only the
/// newest is told of, with the number of those it stands for, so that the last word always comes.
final class ChangeHook: Sendable {
  /// What a run of the program is told.
  struct Change: Sendable {
    /// Whose newest change counts; nil: every one counts.
    let source: String?
    /// `NAME=VALUE`.
    var facts: [String]
    /// Older changes that this one stands for.
    var skippedCount = 0
  }

  private struct State {
    var waiting: [Change] = []
    /// Changes posted so far: who waits looks again when it has risen.
    var postedCount = 0
    /// When the program may be started for a source again, in milliseconds.
    var next: [String: UInt64] = [:]
    var droppedCount = 0
    /// When what has not ended is given up.
    var end: UInt64?
  }

  private static let mostWaiting = 100
  private static let leastMilliseconds: UInt64 = 1000
  /// What is left of the changes gets so long at the end of the mount.
  private static let endMilliseconds: UInt64 = 5000

  private let program: String
  private let limitMilliseconds: UInt64
  private let logger: Logger
  private let state = ConditionLock(State())
  private let thread = ConditionLock<IOThread?>(nil)

  /// - Parameter limitMilliseconds: how long the program may run before it is killed.
  init(program: String, limitMilliseconds: UInt32, logger: Logger) {
    self.program = program
    self.limitMilliseconds = UInt64(limitMilliseconds)
    self.logger = logger
    let made = IOThread(name: "mirrorfs-hook") { self.run() }
    thread.withLock { $0 = made }
  }

  func post(_ change: Change) {
    state.withLock { state in
      state.postedCount += 1
      if let source = change.source,
        let place = state.waiting.firstIndex(where: { $0.source == source })
      {
        state.waiting[place].facts = change.facts
        state.waiting[place].skippedCount += 1
      } else if state.waiting.count < Self.mostWaiting {
        state.waiting.append(change)
      } else {
        state.droppedCount += 1
      }
    }
    state.wakeAll()
  }

  /// Tells of what waits, and ends; a program that takes too long then is killed.
  func end() {
    state.withLock { $0.end = Self.now() + Self.endMilliseconds }
    state.wakeAll()
    thread.withLock { thread in
      thread?.join()
      thread = nil
    }
  }

  private static func now() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
  }

  private func run() {
    while let change = next() {
      let dropped = state.withLock { state in
        defer { state.droppedCount = 0 }
        return state.droppedCount
      }
      if dropped > 0 { logger.warning("on_change=overrun dropped_changes=\(dropped)") }
      start(change)
    }
  }

  /// The next change whose time has come; nil at the end.
  private func next() -> Change? {
    while true {
      let (found, pause, count) = state.withLock { state in
        let (found, pause) = Self.take(from: &state)
        return (found, pause, state.postedCount)
      }
      if let found { return found }
      guard let pause else { return nil }
      _ = state.wait(atMostMilliseconds: pause) { state -> Bool? in
        state.postedCount != count || state.end != nil ? true : nil
      }
    }
  }

  /// A change whose time has come, or else the milliseconds until one's may have; neither at the
  /// end.
  private static func take(from state: inout State) -> (Change?, pause: Int?) {
    let now = now()
    if let end = state.end, now >= end || state.waiting.isEmpty { return (nil, nil) }
    var pause: UInt64 = 3_600_000
    for (place, change) in state.waiting.enumerated() {
      let due = change.source.flatMap { state.next[$0] } ?? 0
      guard due <= now || state.end != nil else {
        pause = min(pause, due - now)
        continue
      }
      if let source = change.source { state.next[source] = now + leastMilliseconds }
      return (state.waiting.remove(at: place), nil)
    }
    return (nil, Int(pause))
  }

  private func start(_ change: Change) {
    let environment =
      Self.inherited() + change.facts + ["MIRRORFS_SKIPPED=\(change.skippedCount)"]
    let process = unsafe withArgumentVector([program]) { arguments in
      unsafe withArgumentVector(environment) { environment in
        unsafe linux_spawn_quietly(program, arguments, environment)
      }
    }
    guard process > 0 else {
      logger.warning("on_change=failed program=\(program.asLogWord) reason=\"\(Errno.last)\"")
      return
    }
    wait(for: process)
  }

  private func wait(for process: pid_t) {
    let limit = Self.now() + limitMilliseconds
    let descriptor = linux_pidfd(process)
    defer { if descriptor >= 0 { close(descriptor) } }
    var isKilled = false
    while descriptor >= 0, !isKilled {
      var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      // Looks up now and then, because the mount may end meanwhile.
      if unsafe poll(&watched, 1, 200) > 0 { break }
      let end = min(limit, state.withLock { $0.end } ?? limit)
      guard Self.now() >= end else { continue }
      // Its session, which it leads: what it has started goes with it.
      kill(-process, SIGKILL)
      isKilled = true
    }
    var status: CInt = 0
    while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
    let place = "program=\(program.asLogWord)"
    if isKilled {
      logger.warning("on_change=killed \(place) reason=\"it took too long\"")
    } else if status != 0 {
      let how = status & 0x7f == 0 ? "status=\(status >> 8 & 0xff)" : "signal=\(status & 0x7f)"
      logger.warning("on_change=failed \(place) \(how)")
    }
  }

  /// What the program inherits; nothing that speaks of us to a service manager.
  private static func inherited() -> [String] {
    ["PATH", "HOME", "LANG", "TZ", "USER"].compactMap { name in
      guard let value = unsafe getenv(name) else { return nil }
      return unsafe "\(name)=\(String(cString: value))"
    }
  }
}
