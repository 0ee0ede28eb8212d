/// The port that every backend serves: a maker of transfer queues.
public protocol Backend: Sendable {
  /// The word for it in configs and logs: `uring`, `threads`.
  var name: String { get }

  /// Makes a queue for one thread.
  ///
  /// - Parameter isBoundToThread: whether nobody but the calling thread will ever use the queue;
  ///   a ring that knows this is cheaper. Otherwise it may move between threads, under a lock.
  /// - Throws: the errno of what the kernel refused (no memory, too many descriptors, forbidden).
  func makeQueue(isBoundToThread: Bool) throws(Errno) -> any TransferQueue
}

/// One thread's door to the devices.
///
/// A queue belongs to one thread at a time: all members but ``wake()`` are called by it alone, and
/// handing the queue on to another thread needs a lock in between. Short transfers, EINTR and the
/// alignment that direct devices ask for are the queue's business.
public protocol TransferQueue: AnyObject {
  /// How many transfers may be under way at once; at least 64, one request's worth.
  var capacity: Int { get }
  /// How many transfers were submitted and not yet reaped.
  var underWay: Int { get }

  /// Whether a waiting ``reap(waiting:into:)`` may wait for a device: false when all that is under
  /// way answers at memory speed.
  var mayWait: Bool { get }

  /// Takes over one transfer. The result comes from ``reap(waiting:into:)``, never from here.
  ///
  /// Traps when ``capacity`` transfers are under way.
  func submit(_ transfer: Transfer)

  /// Whether transfers to this device may go past the queue, by ``perform(_:)``: it answers at
  /// memory speed, so that nothing is gained by having several under way.
  func mayPass(to device: Device) -> Bool

  /// Carries a transfer out on the calling thread. Only where ``mayPass(to:)`` has just agreed.
  func perform(_ transfer: Transfer) -> TransferResult

  /// Appends the results of transfers that ended, each exactly once.
  ///
  /// - Parameter waiting: whether to wait for at least one result (or a ``wake()``).
  func reap(waiting: Bool, into results: inout [TransferResult])

  /// As a waiting ``reap(waiting:into:)``, for a caller that has nothing to do before `count`
  /// transfers have ended: a queue that can spares its thread the wake-ups in between. May return
  /// earlier, with one result or after a ``wake()``.
  func reap(waitingFor count: Int, into results: inout [TransferResult])

  /// Makes a waiting ``reap(waiting:into:)`` return, now or the next time. Any thread.
  func wake()

  /// Tells of memory that many transfers will use, so that the queue may have it prepared once and
  /// not for each. A queue that is made for it keeps the mapping until it ends; nothing depends on
  /// it, and what the system refuses is gone without. At most once a queue.
  func adopt(_ memory: PageMapping)
}

extension TransferQueue {
  public func reap(waitingFor count: Int, into results: inout [TransferResult]) {
    reap(waiting: true, into: &results)
  }

  public func mayPass(to device: Device) -> Bool { false }
  public func perform(_ transfer: Transfer) -> TransferResult {
    preconditionFailure("nothing goes past this queue")
  }

  public var mayWait: Bool { underWay > 0 }
  public func adopt(_ memory: PageMapping) {}
}
