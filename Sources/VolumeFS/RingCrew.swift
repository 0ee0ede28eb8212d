internal import BlockIO
internal import CFUSE3
internal import CLinux
internal import Glibc
internal import Synchronization

/// The seats at the kernel's queues: as many as requests wait for legs at once, and one more.
///
/// A seat that was taken cannot be given back, so one is added only when the last free one of a
/// queue is about to wait for a leg or for another request. Legs in memory are served by one seat
/// for each processor. The kernel prefers the seat that was free last.
final class RingCrew: Sendable {
  /// The seats at one of the queues.
  final class Queue: Sendable {
    let number: Int
    /// Seats without a request, or about to be taken. Sequentially consistent: of two that leave at
    /// once, one must see that it was the last.
    private let freeCount = Atomic<Int>(0)

    private let answers = Atomic<Int>(0)

    init(number: Int) { self.number = number }

    func noteTaken() { freeCount.wrappingSubtract(1, ordering: .sequentiallyConsistent) }
    func noteFree() {
      answers.wrappingAdd(1, ordering: .relaxed)
      freeCount.wrappingAdd(1, ordering: .sequentiallyConsistent)
    }

    /// Answers given so far.
    var answerCount: Int { answers.load(ordering: .relaxed) }

    var hasFreeSeat: Bool { freeCount.load(ordering: .sequentiallyConsistent) > 0 }

    /// Whether another seat is needed; then it counts as free at once.
    func takesOneMore() -> Bool {
      var free = freeCount.load(ordering: .sequentiallyConsistent)
      while free <= 0 {
        let (isMine, now) = freeCount.compareExchange(
          expected: free, desired: free + 1, ordering: .sequentiallyConsistent)
        if isMine { return true }
        free = now
      }
      return false
    }

    /// Makes the kernel look for requests that came while no seat was free: it gives those out only
    /// when a seat answers, and the one that was just taken has nothing to answer.
    ///
    /// So it is asked something itself, from the processor whose queue this is. On a thread of its
    /// own, because that waits for a seat like anything else. The mount is in use meanwhile: only
    /// where other requests hold it anyway.
    func stir(by mountPoint: String) {
      IOThread(name: "mirrorfs-stir") { [number] in
        linux_pin_thread(CInt(number))
        var statistics = statvfs()
        unsafe _ = statvfs(mountPoint, &statistics)
      }.detach()
    }
  }

  let queues: [Queue]
  private struct Opening {
    var takenCount = 0
    var refusal: Errno?
  }
  private let opening = ConditionLock(Opening())

  init(queueCount: Int) { queues = (0..<queueCount).map { Queue(number: $0) } }

  /// A seat was taken, or the kernel refused it.
  func note(_ refusal: Errno?) {
    opening.withLock { opening in
      if let refusal { opening.refusal = refusal } else { opening.takenCount += 1 }
    }
    opening.wakeAll()
  }

  /// Waits until every queue has a seat: from then on requests come over them. Nil, or the refusal.
  func waitUntilOpen() -> Errno? {
    opening.wait { opening -> Errno?? in
      if let refusal = opening.refusal { return .some(refusal) }
      return opening.takenCount >= queues.count ? .some(nil) : nil
    }
  }
}
