internal import BlockIO
internal import Synchronization

/// Lets a few workers wait for requests, and keeps the others in reserve.
///
/// Legs in memory are served best by few threads; legs that make a thread wait need one thread for
/// each request under way, and more of them listen. So a worker that is about to wait for a device
/// makes sure that somebody still listens to the kernel, and wakes one of the reserve if nobody
/// does. The common path costs two atomic additions.
final class WorkerGate: Sendable {
  private struct Reserve {
    var parkedCount = 0
    var wakeUpCount = 0
    var isClosed = false
  }

  /// Workers that may wait for requests at once. Relaxed: it only grows, and a worker that has not
  /// seen that waits in reserve once more.
  private let mostListeners: Atomic<Int>
  /// Workers waiting for a request now. Sequentially consistent: a worker that parks and the last
  /// listener that leaves must not both take the other for a listener.
  private let listeners = Atomic<Int>(0)
  private let reserve = ConditionLock(Reserve())

  /// Called, on a worker, when nobody listens and nobody is in reserve.
  let whenExhausted = ConditionLock<(@Sendable () -> Void)?>(nil)

  init(mostListeners: Int) { self.mostListeners = Atomic(max(1, mostListeners)) }

  /// From now on that many may, if that is more than before. Any thread.
  func raise(toListeners count: Int) { mostListeners.max(count, ordering: .relaxed) }

  /// Before a worker listens to the kernel; waits here while enough others do.
  ///
  /// Returns false when the mount is gone.
  func enter() -> Bool {
    if listeners.wrappingAdd(1, ordering: .sequentiallyConsistent).oldValue
      < mostListeners.load(ordering: .relaxed)
    {
      return true
    }
    listeners.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    return park()
  }

  /// A worker has got a request, or has found the mount gone.
  func leave() { listeners.wrappingSubtract(1, ordering: .sequentiallyConsistent) }

  /// A worker with a request is about to wait for a device or for another worker.
  func noteWaiting() {
    guard listeners.load(ordering: .sequentiallyConsistent) <= 0 else { return }
    let (mustWake, isExhausted) = reserve.withLock { reserve -> (Bool, Bool) in
      guard reserve.parkedCount > reserve.wakeUpCount else {
        return (false, reserve.wakeUpCount == 0 && !reserve.isClosed)
      }
      reserve.wakeUpCount += 1
      return (true, false)
    }
    if mustWake { reserve.wakeOne() }
    if isExhausted { whenExhausted.withLock { $0 }?() }
  }

  /// Whether nobody waits for a request just now.
  var hasNoListener: Bool { listeners.load(ordering: .sequentiallyConsistent) <= 0 }

  var isClosed: Bool { reserve.withLock { $0.isClosed } }

  /// Sends everybody home. Called by the first worker that finds the mount gone.
  func close() {
    reserve.withLock { $0.isClosed = true }
    reserve.wakeAll()
  }

  private func park() -> Bool {
    let isNeeded = reserve.withLock { reserve -> Bool in
      // The others may all have left since this one was counted as one too many.
      if listeners.load(ordering: .sequentiallyConsistent)
        < mostListeners.load(ordering: .relaxed)
      {
        return true
      }
      reserve.parkedCount += 1
      return false
    }
    if isNeeded {
      listeners.wrappingAdd(1, ordering: .sequentiallyConsistent)
      return true
    }
    let isOpen = reserve.wait { reserve -> Bool? in
      if reserve.isClosed { return false }
      guard reserve.wakeUpCount > 0 else { return nil }
      reserve.wakeUpCount -= 1
      reserve.parkedCount -= 1
      return true
    }
    if isOpen { listeners.wrappingAdd(1, ordering: .sequentiallyConsistent) }
    return isOpen
  }
}
