internal import BlockIO

/// The threads that carry the transfers of all queues of one backend.
///
/// They start one by one, when a transfer finds no idle thread, and end with the backend.
final class TransferThreads: Sendable {
  /// A transfer that one of the threads takes over, and the queue that waits for it.
  struct Errand: @unchecked Sendable {
    // Sendable: the queue hands the progress over and does not touch it until the result is back.
    let progress: TransferProgress
    let slot: Int
    let queue: ThreadsQueue.Finished
  }

  private struct State {
    var waiting: [Errand] = []
    var idleCount = 0
    var threads: [IOThread] = []
    var isEnding = false
  }

  private let most: Int
  private let state = ConditionLock(State())

  init(most: Int) { self.most = max(1, most) }

  /// Hands an errand to an idle or a new thread, or leaves it for the first that comes back.
  func run(_ errand: Errand) {
    state.withLock { state in
      state.waiting.append(errand)
      if state.idleCount < state.waiting.count, state.threads.count < most {
        state.threads.append(IOThread(name: "mirrorfs-io") { self.work() })
      }
    }
    state.wakeOne()
  }

  /// Lets every thread finish its errand and end. Called once, by the backend's deinit, which no
  /// queue survives, so that nothing can be waiting.
  func end() {
    let threads = state.withLock { state in
      state.isEnding = true
      return state.threads
    }
    state.wakeAll()
    for thread in threads { thread.join() }
  }

  private func work() {
    while let errand = next() {
      let result = SystemCalls.perform(errand.progress)
      errand.queue.append(result, slot: errand.slot)
    }
  }

  private func next() -> Errand? {
    state.withLock { $0.idleCount += 1 }
    return state.wait { state -> Errand?? in
      if !state.waiting.isEmpty {
        state.idleCount -= 1
        return .some(state.waiting.removeFirst())
      }
      return state.isEnding ? .some(nil) : nil
    }
  }
}
