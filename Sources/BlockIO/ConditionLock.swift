public import Glibc

/// A value behind a lock that threads can also wait on: pthread's mutex and condition variable.
///
/// The standard library's `Mutex` has no way to wait for a change. Any thread may call; `body` runs
/// with the lock held and must not call back into the same lock.
@safe public final class ConditionLock<Value>: @unchecked Sendable {
  // Sendable: `value` is only touched between lock and unlock of `mutex`. Safe: the pointers are
  // made in init, freed in deinit and never leave.
  /// In memory of its own: a property would be checked for exclusive access at run time, each time,
  /// which the mutex sees to already.
  @usableFromInline let value: UnsafeMutablePointer<Value>
  @usableFromInline let mutex: UnsafeMutablePointer<pthread_mutex_t>
  @usableFromInline let condition: UnsafeMutablePointer<pthread_cond_t>

  public init(_ value: sending Value) {
    unsafe self.value = .allocate(capacity: 1)
    unsafe self.value.initialize(to: value)
    unsafe mutex = .allocate(capacity: 1)
    unsafe condition = .allocate(capacity: 1)
    unsafe pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    unsafe pthread_condattr_init(&attributes)
    unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    unsafe pthread_cond_init(condition, &attributes)
    unsafe pthread_condattr_destroy(&attributes)
  }

  deinit {
    unsafe pthread_cond_destroy(condition)
    unsafe pthread_mutex_destroy(mutex)
    unsafe condition.deallocate()
    unsafe mutex.deallocate()
    unsafe value.deinitialize(count: 1).deallocate()
  }

  /// Runs `body` with the lock held. Inlinable, because generic code is not specialised across
  /// modules otherwise, and every request comes by here.
  @inlinable
  public func withLock<R, E: Error>(_ body: (inout Value) throws(E) -> R) throws(E) -> R {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return try unsafe body(&value.pointee)
  }

  /// Waits until `attempt` returns a value; it is tried again after every ``wakeAll()``.
  @inlinable public func wait<R>(until attempt: (inout Value) -> R?) -> R {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    while true {
      if let result = unsafe attempt(&value.pointee) { return result }
      unsafe pthread_cond_wait(condition, mutex)
    }
  }

  /// Like ``wait(until:)``, but gives up after `milliseconds` and returns nil.
  @inlinable public func wait<R>(
    atMostMilliseconds milliseconds: Int, until attempt: (inout Value) -> R?
  )
    -> R?
  {
    var deadline = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &deadline)
    // A time that has passed already is no time: the kernel refuses negative ones for ever.
    let milliseconds = max(0, milliseconds)
    let nanoseconds = deadline.tv_nsec + (milliseconds % 1000) * 1_000_000
    deadline.tv_sec += milliseconds / 1000 + nanoseconds / 1_000_000_000
    deadline.tv_nsec = nanoseconds % 1_000_000_000
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    while true {
      if let result = unsafe attempt(&value.pointee) { return result }
      if unsafe pthread_cond_timedwait(condition, mutex, &deadline) == ETIMEDOUT {
        return unsafe attempt(&value.pointee)
      }
    }
  }

  /// Makes every waiter try again. Call it after the change, with or without the lock.
  @inlinable public func wakeAll() { unsafe pthread_cond_broadcast(condition) }
  /// Makes one waiter try again; only where any waiter can use the change.
  @inlinable public func wakeOne() { unsafe pthread_cond_signal(condition) }
}
