internal import CLinux
internal import Glibc

/// A plain POSIX thread. Signals meant for the process stay blocked in it.
///
/// ``join()`` or ``detach()`` must be called exactly once.
public final class IOThread: @unchecked Sendable {
  // Sendable: written once in init, before the reference is shared.
  private var thread = pthread_t()

  private final class Start {
    let body: @Sendable () -> Void
    let name: String
    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// Starts the thread; `body` runs on it once. A name of at most 15 bytes shows up in `top -H`.
  ///
  /// Traps when the kernel gives no thread: there is nothing to go on with.
  public init(name: String, _ body: @escaping @Sendable () -> Void) {
    var everySignal = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&everySignal)
    unsafe pthread_sigmask(SIG_BLOCK, &everySignal, &before)
    let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
    let failed = unsafe pthread_create(
      &thread, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        unsafe linux_name_thread(start.name)
        start.body()
        return nil
      }, start.toOpaque())
    unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    precondition(failed == 0, "pthread_create failed")
  }

  /// Whether the caller runs on this thread.
  public var isCurrent: Bool { pthread_equal(pthread_self(), thread) != 0 }

  /// Lets the thread end by itself, instead of ``join()``.
  public func detach() { pthread_detach(thread) }

  /// Waits until the thread has ended.
  public func join() { pthread_join(thread, nil) }
}
