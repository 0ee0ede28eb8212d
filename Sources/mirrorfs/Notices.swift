import BlockIO
import CLinux
import Glibc
import Logging
import Mirror

/// Where the changes of a mount's volumes go: to the log, the event log, the program of
/// `on_change`, and to whoever waits for news. Any thread; never waits.
final class Notices: Sendable {
  private let logger: Logger
  private let mountPoint: String
  /// Nil: there is none.
  private let eventLog: EventLog?
  private let hook: ChangeHook?
  private let onChange = ConditionLock<(@Sendable () -> Void)?>(nil)

  /// - Throws: when the event log cannot be opened.
  init(
    eventLog path: String?, hook: ChangeHook?, mountPoint: String, logger: Logger
  ) throws(StartupProblem) {
    self.hook = hook
    self.logger = logger
    self.mountPoint = mountPoint
    if let path {
      let descriptor = unsafe linux_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
      guard descriptor >= 0 else { throw StartupProblem("event log \(path): \(Errno.last)") }
      eventLog = EventLog(target: .records(descriptor))
    } else {
      eventLog = nil
    }
  }

  /// Has `body` called after each change; it must not wait. Nil: nobody.
  func whenChanged(_ body: (@Sendable () -> Void)?) { onChange.withLock { $0 = body } }

  func noteChange() { onChange.withLock { $0 }?() }

  /// What a volume's mirror tells its changes to.
  func observer(of volume: String) -> @Sendable (MirrorEvent) -> Void {
    let throttle = LogThrottle()
    return { [self] event in
      let text = event.text(volume: volume)
      if let dropped = throttle.pass(event.source) {
        let more = dropped > 0 ? " dropped_lines=\(dropped)" : ""
        logger.log(level: event.level, "\(text)\(more)")
      }
      eventLog?.append(.info, EventRecord(event, volume: volume).line)
      hook?.post(change(event, volume: volume, text: text))
      noteChange()
    }
  }

  /// What a volume's mirror tells its failed requests to; nil where nobody wants to know.
  func requestObserver(of volume: String) -> (@Sendable (FailedRequest) -> Void)? {
    guard let eventLog else { return nil }
    return { eventLog.append(.info, EventRecord($0, volume: volume).line) }
  }

  /// Tells of what waits, and ends.
  func end() {
    hook?.end()
    eventLog?.end()
  }

  private func change(_ event: MirrorEvent, volume: String, text: String) -> ChangeHook.Change {
    var facts = ["VOLUME=\(volume)", "MOUNT_POINT=\(mountPoint)", "MESSAGE=\(text)"]
    func add(_ status: MirrorStatus) {
      facts += [
        "STATE=\(status.state.word)", "ERROR_BITS=\(status.errorBits)", "LEGS=\(status.letters)",
      ]
    }
    var source: String? = "\(event.source) \(volume)"
    switch event {
    case .leg(let index, let status):
      let leg = status.legs[index]
      facts += [
        "EVENT=leg", "LEG=\(index)", "LEG_STATE=\(leg.letter.word)", "DEVICE=\(leg.device)",
      ]
      add(status)
    case .state(let status):
      facts.append("EVENT=state")
      add(status)
    case .note:
      facts.append("EVENT=work")
      source = nil
    }
    return ChangeHook.Change(source: source, facts: facts.map { "MIRRORFS_" + $0 })
  }
}
