import BlockIO
import Glibc
import Synchronization

/// Ends a command that waits for a daemon which does not answer: who monitors must not hang.
final class AnswerDeadline: Sendable {
  private static let mostSeconds: UInt32 = 10

  private let answerCount = Atomic<Int>(0)

  /// - Parameter status: the exit status when nothing has answered for ten seconds.
  init(status: CInt) {
    IOThread(name: "mirrorfs-answer") { [self] in
      var seen = -1
      while true {
        let count = answerCount.load(ordering: .relaxed)
        if count == seen { break }
        seen = count
        sleep(Self.mostSeconds)
      }
      printError(
        "a mount has not answered for \(Self.mostSeconds) s: its daemon hangs or is stopped; its "
          + "log says more, and `pgrep -a mirrorfs` shows it")
      // The kernel lets a thread go that waits for a mount when its process ends.
      _exit(status)
    }.detach()
  }

  /// Something has answered.
  func noteAnswer() { answerCount.wrappingAdd(1, ordering: .relaxed) }
}
