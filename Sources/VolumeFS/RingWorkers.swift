internal import BlockIO
internal import FuseRing

/// A request that has come over io_uring, with the seat that it has come to.
struct RingJob: Sendable {
  let seat: RingSeat
  let queue: RingQueue
}

/// Threads for requests that have come over io_uring and may wait: for a leg, for a range that
/// another request holds, for the state directory.
///
/// As many as requests wait at once, and no more than the mount allows; requests beyond that wait
/// for one of them.
final class RingWorkers<Job: Sendable>: Sendable {
  private struct State {
    /// In the order in which they came.
    var jobs: [Job] = []
    var idleCount = 0
    /// There may be no more threads, and none was idle since that was said.
    var isAtMost = false
    var isClosed = false
  }

  private let state = ConditionLock(State())
  /// Starts a thread that calls ``next(atMostMilliseconds:)`` until the mount is gone; false when
  /// there may be no more.
  private let startThread: @Sendable () -> Bool

  init(startThread: @escaping @Sendable () -> Bool) { self.startThread = startThread }

  /// Any thread.
  func add(_ job: Job) {
    let isIdleThere = state.withLock { state in
      state.jobs.append(job)
      return state.idleCount >= state.jobs.count
    }
    if isIdleThere {
      state.wakeOne()
    } else if !startThread() {
      state.withLock { $0.isAtMost = !$0.jobs.isEmpty }
    }
  }

  /// What ``next(atMostMilliseconds:)`` came back with.
  enum Arrival {
    case job(Job)
    /// None within the time given.
    case nothing
    /// The mount is gone.
    case over
  }

  /// The next request for the calling thread.
  ///
  /// - Parameter milliseconds: how long to wait for one; nil: until there is one.
  func next(atMostMilliseconds milliseconds: Int? = nil) -> Arrival {
    state.withLock { $0.idleCount += 1 }
    let attempt = { (state: inout State) -> Arrival? in
      if state.jobs.isEmpty {
        state.isAtMost = false
        guard state.isClosed else { return nil }
        state.idleCount -= 1
        return .over
      }
      state.idleCount -= 1
      return .job(state.jobs.removeFirst())
    }
    guard let milliseconds else { return state.wait(until: attempt) }
    if let arrival = state.wait(atMostMilliseconds: milliseconds, until: attempt) {
      return arrival
    }
    // One may come just now, counting on this thread.
    return state.withLock { state in
      if let arrival = attempt(&state) { return arrival }
      state.idleCount -= 1
      return .nothing
    }
  }

  /// Whether requests wait for a thread, and there may be no more of them.
  var isExhausted: Bool { state.withLock { $0.isAtMost } }

  /// Whether a thread waits for a request: for tests.
  var hasIdle: Bool { state.withLock { $0.idleCount > 0 } }

  /// Sends everybody home who is idle, and who will be.
  func close() {
    state.withLock { $0.isClosed = true }
    state.wakeAll()
  }
}

/// Waits until the kernel has taken, or refused, the seats at its queues.
final class RingOpening: Sendable {
  private struct State {
    var takenCount = 0
    var refusal: Errno?
  }
  private let queueCount: Int
  private let state = ConditionLock(State())

  init(queueCount: Int) { self.queueCount = queueCount }

  /// A queue has its first seat, or the kernel refused it.
  func note(_ refusal: Errno?) {
    state.withLock { state in
      if let refusal { state.refusal = refusal } else { state.takenCount += 1 }
    }
    state.wakeAll()
  }

  /// Waits until every queue has a seat: from then on requests come over them. Nil, or the refusal.
  func waitUntilOpen() -> Errno? {
    state.wait { state -> Errno?? in
      if let refusal = state.refusal { return .some(refusal) }
      return state.takenCount >= queueCount ? .some(nil) : nil
    }
  }
}
