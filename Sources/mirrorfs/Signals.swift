import BlockIO
import CLinux
import Glibc

/// The signals that end a mount, taken by a thread of its own.
enum Signals {
  /// Keeps INT, TERM and HUP from this thread and all that it starts, and lets a crash end the
  /// process at once. Before the first thread.
  static func block() {
    var set = handled
    unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    // A reader of our messages that went away is no reason to end.
    _ = signal(SIGPIPE, SIG_IGN)
    // Swift's runtime would first try to stop each thread to print its stack, half a second each,
    // and for as long the mount would answer nobody. Who wants that asks for it by name.
    guard unsafe getenv("SWIFT_BACKTRACE") == nil else { return }
    for number in [SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGBUS, SIGSEGV] {
      _ = signal(number, SIG_DFL)
    }
  }

  /// Calls `body` for each signal that arrives, for as long as the process lives.
  static func handle(_ body: @escaping @Sendable (CInt) -> Void) {
    IOThread(name: "mirrorfs-signal") {
      var set = handled
      while true {
        var number: CInt = 0
        if unsafe sigwait(&set, &number) == 0 { body(number) }
      }
    }.detach()
  }

  private static var handled: sigset_t {
    var set = sigset_t()
    unsafe sigemptyset(&set)
    for number in [SIGINT, SIGTERM, SIGHUP] { unsafe sigaddset(&set, number) }
    return set
  }
}
