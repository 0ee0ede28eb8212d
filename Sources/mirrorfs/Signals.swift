import BlockIO
import CLinux
import Glibc

/// The signals that end a mount, taken by a thread of its own.
enum Signals {
  /// Keeps INT, TERM and HUP from this thread and all that it starts. Before the first thread.
  static func block() {
    var set = handled
    unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    // A reader of our messages that went away is no reason to end.
    _ = signal(SIGPIPE, SIG_IGN)
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
