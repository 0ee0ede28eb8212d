public import BlockIO
internal import Glibc

/// The backend that needs nothing of the kernel but pread, pwrite and fdatasync.
///
/// A request's transfers that wait for a device run side by side on the backend's threads, so that
/// whoever waits for them can give up. Transfers at memory speed are never handed over.
public final class ThreadsBackend: Backend {
  public let name = "threads"
  let pool: TransferThreads

  /// - Parameter threadCount: most threads that carry transfers for all queues together; they
  ///   start when first needed and end with the backend.
  public init(threadCount: Int = 512) { pool = TransferThreads(most: threadCount) }

  deinit { pool.end() }

  public func makeQueue(isBoundToThread: Bool) throws(Errno) -> any TransferQueue {
    ThreadsQueue(backend: self)
  }
}
