import BlockIO
import Logging
import Mirror

/// Where the changes of a mount's volumes go: to the log, and to whoever waits for news. Any
/// thread; never waits.
final class Notices: Sendable {
  private let logger: Logger
  private let onChange = ConditionLock<(@Sendable () -> Void)?>(nil)

  init(logger: Logger) { self.logger = logger }

  /// Has `body` called after each change; it must not wait. Nil: nobody.
  func whenChanged(_ body: (@Sendable () -> Void)?) { onChange.withLock { $0 = body } }

  func noteChange() { onChange.withLock { $0 }?() }

  /// What a volume's mirror tells its changes to.
  func observer(of volume: String) -> @Sendable (MirrorEvent) -> Void {
    let throttle = LogThrottle()
    return { [self] event in
      if let dropped = throttle.pass(event.source) {
        let more = dropped > 0 ? " dropped_lines=\(dropped)" : ""
        logger.log(level: event.level, "\(event.text(volume: volume))\(more)")
      }
      noteChange()
    }
  }
}
