import BlockIO
import CLinux
import Glibc

/// Tells a service manager how it goes: systemd's sd_notify(3), without its library.
enum ServiceNotice {
  /// Sends lines such as `READY=1`; nothing where no service manager asked for them.
  static func send(_ lines: String) {
    guard let socket = unsafe getenv("NOTIFY_SOCKET") else { return }
    unsafe _ = linux_notify(socket, lines)
  }

  /// A reload begins; it ends with `READY=1`.
  static func sendReloading() {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    send("RELOADING=1\nMONOTONIC_USEC=\(time.tv_sec * 1_000_000 + time.tv_nsec / 1000)")
  }
}

/// Pings the watchdog of a service manager for as long as the mount answers.
///
/// One thread asks for an attribute of the mount, by way of the kernel and a worker, again and
/// again; another pings while answers come. Workers that all wait for legs that hang are no reason
/// to be killed: nothing would be better after it.
final class ServiceWatchdog: Sendable {
  private struct State {
    var isEnding = false
    /// An answer has come since the last ping.
    var hasAnswer = true
  }

  private let state = ConditionLock(State())

  /// Nil when no service manager asks for pings.
  init?(mountPoint: String, isWaitingForLegs: @escaping @Sendable () -> Bool) {
    guard let text = unsafe getenv("WATCHDOG_USEC"),
      let microseconds = unsafe Int(String(cString: text)), microseconds > 0
    else { return nil }
    if let process = unsafe getenv("WATCHDOG_PID"),
      unsafe String(cString: process) != "\(getpid())"
    {
      return nil
    }
    let pause = max(1, microseconds / 3000)
    IOThread(name: "mirrorfs-ask") { [state] in
      repeat {
        _ = MountPoint.attribute("pid", of: mountPoint)
        state.withLock { $0.hasAnswer = true }
      } while !Self.hasEnded(state, after: pause)
    }.detach()
    IOThread(name: "mirrorfs-ping") { [state] in
      repeat {
        let hasAnswer = state.withLock { state in
          defer { state.hasAnswer = false }
          return state.hasAnswer
        }
        if hasAnswer || isWaitingForLegs() { ServiceNotice.send("WATCHDOG=1") }
      } while !Self.hasEnded(state, after: pause)
    }.detach()
  }

  func end() {
    state.withLock { $0.isEnding = true }
    state.wakeAll()
  }

  private static func hasEnded(_ state: ConditionLock<State>, after pause: Int) -> Bool {
    state.wait(atMostMilliseconds: pause) { $0.isEnding ? true : nil } ?? false
  }
}
