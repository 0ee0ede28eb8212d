import BlockIO

/// Counts the backends that are alive, and so the clients that hold them.
final class EndedClients: Sendable {
  private let aliveCount = ConditionLock(0)

  func began() { aliveCount.withLock { $0 += 1 } }
  func ended() {
    aliveCount.withLock { $0 -= 1 }
    aliveCount.wakeAll()
  }

  /// Whether all have ended, within half a minute.
  func waitForAll() -> Bool {
    aliveCount.wait(atMostMilliseconds: 30_000) { $0 == 0 ? true : nil } ?? false
  }
}

/// A backend that tells of its end.
final class CountedBackend: Backend {
  let name = "counted"
  private let wrapped: any Backend
  private let ended: EndedClients

  init(_ wrapped: any Backend, _ ended: EndedClients) {
    self.wrapped = wrapped
    self.ended = ended
    ended.began()
  }

  deinit { ended.ended() }

  func makeQueue(isBoundToThread: Bool) throws(Errno) -> any TransferQueue {
    try wrapped.makeQueue(isBoundToThread: isBoundToThread)
  }
}

/// A backend that has no queue to give.
final class BarrenBackend: Backend {
  let name = "barren"
  func makeQueue(isBoundToThread: Bool) throws(Errno) -> any TransferQueue { throw .notPermitted }
}

/// How a queue with something under way was reaped.
final class ReapLog: Sendable {
  private let waits = ConditionLock<[Bool]>([])
  func append(_ waiting: Bool) { waits.withLock { $0.append(waiting) } }
  var firstWasWaiting: Bool? { waits.withLock { $0.first } }
}

/// A backend whose transfers end, well, in the first reap, which it writes down.
final class WatchedBackend: Backend {
  let name = "watched"
  private let log: ReapLog

  init(_ log: ReapLog) { self.log = log }

  func makeQueue(isBoundToThread: Bool) throws(Errno) -> any TransferQueue { Queue(log) }

  private final class Queue: TransferQueue {
    let capacity = 64
    var underWay: Int { tags.count }
    private var tags: [UInt64] = []
    private let log: ReapLog
    private let isWoken = ConditionLock(false)

    init(_ log: ReapLog) { self.log = log }

    func submit(_ transfer: Transfer) { tags.append(transfer.tag) }

    func reap(waiting: Bool, into results: inout [TransferResult]) {
      if !tags.isEmpty {
        log.append(waiting)
        results.append(
          contentsOf: tags.map { TransferResult(tag: $0, errorNumber: 0, byteCount: 0) })
        tags = []
      } else if waiting {
        isWoken.wait { isWoken -> Void? in
          guard isWoken else { return nil }
          isWoken = false
          return ()
        }
      }
    }

    func wake() {
      isWoken.withLock { $0 = true }
      isWoken.wakeAll()
    }
  }
}

/// A backend around another that writes down what it is given.
final class SeenBackend: Backend {
  let name = "seen"
  private let wrapped: any Backend
  private let seen: SeenTransfers

  init(_ wrapped: any Backend, _ seen: SeenTransfers) {
    self.wrapped = wrapped
    self.seen = seen
  }

  func makeQueue(isBoundToThread: Bool) throws(Errno) -> any TransferQueue {
    Queue(try wrapped.makeQueue(isBoundToThread: isBoundToThread), seen)
  }

  private final class Queue: TransferQueue {
    private let wrapped: any TransferQueue
    private let seen: SeenTransfers
    var capacity: Int { wrapped.capacity }
    var underWay: Int { wrapped.underWay }
    var mayWait: Bool { wrapped.mayWait }

    init(_ wrapped: any TransferQueue, _ seen: SeenTransfers) {
      self.wrapped = wrapped
      self.seen = seen
    }

    func submit(_ transfer: Transfer) {
      seen.append(transfer, isPassing: false)
      wrapped.submit(transfer)
    }

    func mayPass(to device: Device) -> Bool { wrapped.mayPass(to: device) }

    func perform(_ transfer: Transfer) -> TransferResult {
      seen.append(transfer, isPassing: true)
      return wrapped.perform(transfer)
    }

    func reap(waiting: Bool, into results: inout [TransferResult]) {
      wrapped.reap(waiting: waiting, into: &results)
    }

    func reap(waitingFor count: Int, into results: inout [TransferResult]) {
      wrapped.reap(waitingFor: count, into: &results)
    }

    func wake() { wrapped.wake() }
    func adopt(_ memory: PageMapping) { wrapped.adopt(memory) }
  }
}
