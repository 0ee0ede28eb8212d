import BlockIO
import CLinux
import Glibc

/// Waits for the end of a volume's background work and shows how far it is: a bar on a terminal,
/// else a line every five seconds.
struct WorkProgress {
  let control: VolumeControl
  private let isTerminal = Paint.isTerminal(STDERR_FILENO)
  private let paint = Paint(STDERR_FILENO)

  init(_ control: VolumeControl) { self.control = control }

  /// - Parameter mayGoOn: whether there is something left that the progress does not show.
  /// - Throws: status 1 when the mount is gone, or the work is paused or cannot go on; 130 when
  ///   the user interrupts: then the work goes on without the command.
  func wait(while mayGoOn: () -> Bool) throws {
    let began = time(nil)
    var (last, shown, looks, waits) = ("none", "", 0, 0)
    Self.blockInterrupts()
    while true {
      guard let progress = control.attribute("progress") else {
        clearLine()
        try control.refuse("the mount is gone; the work goes on when it is mounted again")
        return
      }
      if progress == "none", !mayGoOn() { break }
      if progress.hasPrefix("paused") {
        clearLine()
        try control.refuse("\(progress); `mirrorfs resume \(control.path)` lets it go on")
      }
      // A leg that does not take it is tried again for as long as it takes: say so once.
      waits = progress.hasSuffix("waiting") ? waits + 1 : 0
      if waits == Self.looksUntilWaiting { sayWhatIsWaitedFor(progress) }
      if isTerminal {
        Self.show("\r\u{1b}[K\(bar(progress)) \(progress)")
      } else if progress != shown, looks > 0, looks % 25 == 0 {
        Self.show("\(control.path): \(progress)\n")
        shown = progress
      }
      last = progress
      looks += 1
      if Self.isInterrupted(within: 200_000_000) {
        clearLine()
        printError(
          "\(control.path): stopped waiting; the work goes on, and `mirrorfs status "
            + "\(control.path)` shows how far it is")
        _exit(130)
      }
    }
    clearLine()
    if isTerminal, looks > 0, let kind = last.split(separator: " ").first, last != "none" {
      Self.show("\(control.path): \(kind) done in \(Wording.span(time(nil) - began))\n")
    }
  }

  private static let looksUntilWaiting = 15

  private func sayWhatIsWaitedFor(_ progress: String) {
    clearLine()
    printError(
      "\(control.path): \(progress): a leg does not take it yet, and is tried again by itself; "
        + "`mirrorfs status \(control.path)` says which")
  }

  private func clearLine() { if isTerminal { Self.show("\r\u{1b}[K") } }

  private static func show(_ text: String) {
    unsafe _ = write(STDERR_FILENO, text, text.utf8.count)
  }

  /// `[########............]`, from the percentage in a progress text.
  private func bar(_ progress: String) -> String {
    let percent = progress.split(separator: " ").lazy.compactMap {
      $0.hasSuffix("%") ? Double($0.dropLast()) : nil
    }.first
    let filled = min(20, Int((percent ?? 0) / 5))
    return "[" + paint(.green, String(repeating: "#", count: filled))
      + String(repeating: ".", count: 20 - filled) + "]"
  }

  private static var interrupts: sigset_t {
    var set = sigset_t()
    unsafe sigemptyset(&set)
    for number in [SIGINT, SIGTERM] { unsafe sigaddset(&set, number) }
    return set
  }

  /// From here on they are taken by ``isInterrupted(within:)`` alone.
  private static func blockInterrupts() {
    var set = interrupts
    unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// Sleeps, unless the user interrupts.
  private static func isInterrupted(within nanoseconds: Int) -> Bool {
    var set = interrupts
    var most = timespec(tv_sec: 0, tv_nsec: nanoseconds)
    return unsafe sigtimedwait(&set, nil, &most) > 0
  }
}
