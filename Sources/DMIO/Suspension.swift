internal import BlockIO

/// Suspends the task until the closure that `start` gets is called: once, on any thread.
///
/// - Parameter order: orders the two for everybody to see. When the end comes before the task is
///   suspended, only an atomic within the concurrency runtime does so, which a thread sanitizer
///   does not know; next to what a resumption costs, the lock is nothing.
func suspended<T: Sendable>(
  order: ConditionLock<Int>, _ start: (@escaping @Sendable (T) -> Void) -> Void
) async -> T {
  let value = await unsafe withUnsafeContinuation {
    (continuation: UnsafeContinuation<T, Never>) in
    start { value in
      order.withLock { count in
        count &+= 1
        unsafe continuation.resume(returning: value)
      }
    }
  }
  order.withLock { count in count &+= 1 }
  return value
}
