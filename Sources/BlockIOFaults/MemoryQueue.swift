internal import BlockIO

/// One thread's way to the devices of a ``MemoryBackend``: transfers are made when reaped.
final class MemoryQueue: TransferQueue {
  let capacity = 128
  private(set) var underWay = 0

  private let backend: MemoryBackend
  private var submitted: [Transfer] = []
  private let isWoken = ConditionLock(false)

  init(backend: MemoryBackend) { self.backend = backend }

  func submit(_ transfer: Transfer) {
    precondition(underWay < capacity, "the queue is full")
    underWay += 1
    submitted.append(transfer)
  }

  func reap(waiting: Bool, into results: inout [TransferResult]) {
    for transfer in submitted {
      results.append(backend.disk(transfer.device).perform(transfer))
    }
    let ended = submitted.count
    submitted.removeAll(keepingCapacity: true)
    underWay -= ended
    guard waiting, ended == 0 else { return }
    isWoken.wait { isWoken -> Void? in
      guard isWoken else { return nil }
      isWoken = false
      return ()
    }
  }

  func wake() {
    isWoken.withLock { $0 = true }
    isWoken.wakeAll()
  }
}
