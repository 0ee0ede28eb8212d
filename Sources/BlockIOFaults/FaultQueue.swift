internal import BlockIO
internal import Synchronization

/// One thread's way through a ``FaultBackend`` to the queue that it wraps.
final class FaultQueue: TransferQueue {
  /// What other threads may touch.
  private final class Bell: @unchecked Sendable {
    // Sendable: of the queue only `wake()` is called, which any thread may.
    let queue: any TransferQueue
    /// Whether the owner of the queue is meant, and not only a look at the held transfers.
    let isForOwner = Atomic<Bool>(false)

    init(_ queue: any TransferQueue) { self.queue = queue }
  }

  private struct Held {
    let transfer: Transfer
    let gate: Gate
  }

  private let backend: FaultBackend
  private let wrapped: any TransferQueue
  private let bell: Bell
  private var held: [Held] = []
  private var ended: [TransferResult] = []
  /// What the wrapped queue has, by the tags that it goes by there; tags need not differ here.
  private var passed: [UInt64: (tag: UInt64, error: Errno?)] = [:]
  private var nextTag: UInt64 = 0

  var capacity: Int { wrapped.capacity }
  var underWay: Int { wrapped.underWay + held.count + ended.count }

  init(wrapped: any TransferQueue, backend: FaultBackend) {
    self.wrapped = wrapped
    self.backend = backend
    bell = Bell(wrapped)
  }

  func submit(_ transfer: Transfer) {
    precondition(underWay < capacity, "the queue is full")
    switch backend.fault(of: transfer) {
    case nil: pass(transfer)
    case .fail(let error, let byteCount): fail(transfer, error, afterByteCount: byteCount)
    case .cutShort(let byteCount): fail(transfer, .ioError, afterByteCount: byteCount)
    case .hold(let gate): hold(transfer, gate)
    case .delay(let milliseconds):
      let gate = Gate()
      hold(transfer, gate)
      IOThread(name: "fault-delay") {
        _ = ConditionLock(()).wait(atMostMilliseconds: milliseconds) { _ -> Void? in nil }
        gate.open()
      }.detach()
    }
  }

  func reap(waiting: Bool, into results: inout [TransferResult]) {
    let before = results.count
    while true {
      passReleased()
      results.append(contentsOf: ended)
      ended.removeAll()
      let first = results.count
      wrapped.reap(waiting: waiting && first == before, into: &results)
      for index in first..<results.count { results[index] = translated(results[index]) }
      guard waiting, results.count == before else { return }
      // Acquire: what the waker did before is seen by the owner after.
      if bell.isForOwner.exchange(false, ordering: .acquiring) { return }
    }
  }

  func wake() {
    bell.isForOwner.store(true, ordering: .releasing)
    wrapped.wake()
  }

  private func pass(_ transfer: Transfer, byteCount: Int? = nil, error: Errno? = nil) {
    var inner = transfer
    inner.tag = nextTag
    nextTag += 1
    if let byteCount { inner.byteCount = byteCount }
    passed[inner.tag] = (transfer.tag, error)
    wrapped.submit(inner)
  }

  private func fail(_ transfer: Transfer, _ error: Errno, afterByteCount byteCount: Int) {
    guard byteCount > 0 else {
      ended.append(
        TransferResult(tag: transfer.tag, errorNumber: error.rawValue, byteCount: 0))
      return
    }
    precondition(byteCount < transfer.byteCount, "a fault fails a part of the transfer")
    pass(transfer, byteCount: byteCount, error: error)
  }

  private func hold(_ transfer: Transfer, _ gate: Gate) {
    held.append(Held(transfer: transfer, gate: gate))
    gate.hold { [bell] in bell.queue.wake() }
  }

  private func passReleased() {
    guard !held.isEmpty else { return }
    let before = held
    held.removeAll()
    // Asked once each: a gate may open at any moment.
    for one in before {
      if one.gate.isOpen { pass(one.transfer) } else { held.append(one) }
    }
  }

  private func translated(_ result: TransferResult) -> TransferResult {
    guard let (tag, error) = passed.removeValue(forKey: result.tag) else {
      preconditionFailure("a result without a transfer")
    }
    var result = result
    result.tag = tag
    if let error, result.errorNumber == 0 { result.errorNumber = error.rawValue }
    return result
  }
}
