internal import BlockIO

/// A backend whose transfers have ended when they are looked for: what is left is the engine.
final class NullBackend: Backend {
  let name = "null"

  func makeQueue(isBoundToThread: Bool) throws(Errno) -> any TransferQueue { NullQueue() }
}

private final class NullQueue: TransferQueue {
  let capacity = 128
  private var submitted: [TransferResult] = []
  private let isWoken = ConditionLock(false)

  init() { submitted.reserveCapacity(capacity) }

  var underWay: Int { submitted.count }
  var mayWait: Bool { false }

  func submit(_ transfer: Transfer) {
    submitted.append(
      TransferResult(tag: transfer.tag, errorNumber: 0, byteCount: transfer.byteCount))
  }

  func reap(waiting: Bool, into results: inout [TransferResult]) {
    if waiting, submitted.isEmpty { return waitForWakeUp() }
    results.append(contentsOf: submitted)
    submitted.removeAll(keepingCapacity: true)
  }

  private func waitForWakeUp() {
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
