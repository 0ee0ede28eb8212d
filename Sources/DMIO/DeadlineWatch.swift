internal import BlockIO
internal import Glibc
internal import Synchronization

/// Wakes lanes whose wait has lasted until their deadline: no backend has to know of time.
///
/// One thread for all lanes of a client; it sleeps while no lane waits. A deadline is noticed up to
/// 50 ms late.
final class DeadlineWatch: Sendable {
  /// When one lane wants to be woken.
  final class Alarm: Sendable {
    /// Milliseconds of the monotonic clock; 0: never.
    fileprivate let due = Atomic<UInt64>(0)
  }

  private struct Bell: @unchecked Sendable {
    // Sendable: of the queue only `wake()` is called, which any thread may.
    let queue: any TransferQueue
    let alarm: Alarm
  }

  private struct State {
    var bells: [Bell] = []
    var thread: IOThread?
    var isEnding = false
    var isNeeded = false
  }

  private static let lookMilliseconds = 50

  private let state = ConditionLock(State())
  private let isAsleep = Atomic<Bool>(true)
  /// Requests of all lanes that have missed a deadline and have not ended.
  let lateCount = Atomic<Int>(0)

  func add(_ queue: any TransferQueue) -> Alarm {
    let alarm = Alarm()
    state.withLock { $0.bells.append(Bell(queue: queue, alarm: alarm)) }
    return alarm
  }

  func remove(_ alarm: Alarm) {
    state.withLock { state in state.bells.removeAll { $0.alarm === alarm } }
  }

  /// The lane of this alarm begins a wait. Only the lane's thread.
  func begin(_ alarm: Alarm, due: UInt64) {
    // Sequentially consistent: either the watch sees the alarm or this sees the watch asleep.
    alarm.due.store(due, ordering: .sequentiallyConsistent)
    guard isAsleep.load(ordering: .sequentiallyConsistent) else { return }
    state.withLock { state in
      state.isNeeded = true
      if state.thread == nil { state.thread = IOThread(name: "dmio-deadline") { self.run() } }
    }
    state.wakeAll()
  }

  func end(_ alarm: Alarm) { alarm.due.store(0, ordering: .relaxed) }

  /// Ends the thread. Called once, by the client's deinit.
  func end() {
    let thread = state.withLock { state -> IOThread? in
      state.isEnding = true
      return state.thread
    }
    state.wakeAll()
    if thread?.isCurrent == true { thread?.detach() } else { thread?.join() }
  }

  /// Milliseconds of the monotonic clock.
  static func now() -> UInt64 { nanoseconds() / 1_000_000 }

  /// Nanoseconds of the monotonic clock.
  static func nanoseconds() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  private func run() {
    var idleLooks = 0
    while true {
      let isIdle = idleLooks > 20
      if isIdle {
        isAsleep.store(true, ordering: .sequentiallyConsistent)
        // Whoever began before it could see that is looked for once more.
        if !look() {
          state.wait { state -> Void? in
            guard state.isNeeded || state.isEnding else { return nil }
            state.isNeeded = false
            return ()
          }
        }
      }
      isAsleep.store(false, ordering: .sequentiallyConsistent)
      let isEnding = state.wait(atMostMilliseconds: Self.lookMilliseconds) { state -> Bool? in
        state.isEnding ? true : nil
      }
      if isEnding == true { return }
      idleLooks = look() ? 0 : idleLooks + 1
    }
  }

  /// Wakes those whose time has come. Returns whether any lane waits.
  private func look() -> Bool {
    let now = Self.now()
    return state.withLock { state in
      var isAnyWaiting = false
      for bell in state.bells {
        let due = bell.alarm.due.load(ordering: .sequentiallyConsistent)
        guard due > 0 else { continue }
        isAnyWaiting = true
        if now >= due { bell.queue.wake() }
      }
      return isAnyWaiting
    }
  }
}
