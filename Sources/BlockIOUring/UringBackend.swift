public import BlockIO
internal import CURing
internal import Glibc

/// The backend on io_uring: a ring for each queue, one system call to submit and wait.
///
/// Transfers to devices that answer at memory speed are made by system calls instead, because the
/// kernel would hand them to a thread of its own.
public final class UringBackend: Backend {
  public let name = "uring"

  public init() {}

  public func makeQueue(isBoundToThread: Bool) throws(Errno) -> any TransferQueue {
    try UringQueue(isBoundToThread: isBoundToThread)
  }

  /// Whether this kernel lets this process make rings; containers often forbid it.
  ///
  /// Returns nil when rings work, else the errno of the refusal (ENOSYS, EPERM, ENOMEM).
  public static func refusal() -> Errno? {
    do throws(Errno) {
      _ = try UringQueue(isBoundToThread: true)
      return nil
    } catch {
      return error
    }
  }
}
