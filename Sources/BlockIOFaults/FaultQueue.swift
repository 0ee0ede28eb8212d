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
  private struct Passed {
    let tag: UInt64
    /// What it ends with even if it went well.
    let error: Errno?
    /// The read whose memory is spoilt when it has ended.
    let corrupted: Transfer?
  }

  /// What the wrapped queue has, by the tags that it goes by there; tags need not differ here.
  private var passed: [UInt64: Passed] = [:]
  /// Tags from here on are ours. Those of transfers that went straight through are smaller.
  private static let firstTag: UInt64 = 1 << 63
  private var nextTag = firstTag

  var capacity: Int { wrapped.capacity }
  var underWay: Int { wrapped.underWay + held.count + ended.count }
  var mayWait: Bool { wrapped.mayWait || !held.isEmpty }

  init(wrapped: any TransferQueue, backend: FaultBackend) {
    self.wrapped = wrapped
    self.backend = backend
    bell = Bell(wrapped)
  }

  func submit(_ transfer: Transfer) {
    precondition(underWay < capacity, "the queue is full")
    guard backend.isArmed else { return wrapped.submit(transfer) }
    switch backend.fault(of: transfer) {
    case nil: pass(transfer)
    case .fail(let error, let byteCount): fail(transfer, error, afterByteCount: byteCount)
    case .cutShort(let byteCount): fail(transfer, .ioError, afterByteCount: byteCount)
    case .hold(let gate): hold(transfer, gate)
    case .corrupt: pass(transfer, isCorrupted: true)
    case .delay(let milliseconds):
      let gate = Gate()
      hold(transfer, gate)
      IOThread(name: "fault-delay") {
        _ = ConditionLock(()).wait(atMostMilliseconds: milliseconds) { _ -> Void? in nil }
        gate.open()
      }.detach()
    }
  }

  /// A fault that is set between the two calls begins with the next transfer.
  func mayPass(to device: Device) -> Bool { !backend.isArmed && wrapped.mayPass(to: device) }

  func perform(_ transfer: Transfer) -> TransferResult { wrapped.perform(transfer) }

  func reap(waiting: Bool, into results: inout [TransferResult]) {
    let before = results.count
    while true {
      passReleased()
      results.append(contentsOf: ended)
      ended.removeAll()
      let first = results.count
      wrapped.reap(waiting: waiting && first == before, into: &results)
      if !passed.isEmpty {
        for index in first..<results.count { results[index] = translated(results[index]) }
      }
      guard waiting, results.count == before else { return }
      // Acquire: what the waker did before is seen by the owner after.
      if bell.isForOwner.exchange(false, ordering: .acquiring) { return }
    }
  }

  func reap(waitingFor count: Int, into results: inout [TransferResult]) {
    guard held.isEmpty, ended.isEmpty, passed.isEmpty else {
      return reap(waiting: true, into: &results)
    }
    let before = results.count
    wrapped.reap(waitingFor: count, into: &results)
    if results.count > before || bell.isForOwner.exchange(false, ordering: .acquiring) { return }
    reap(waiting: true, into: &results)
  }

  func wake() {
    bell.isForOwner.store(true, ordering: .releasing)
    wrapped.wake()
  }

  func adopt(_ memory: PageMapping) { wrapped.adopt(memory) }

  private func pass(
    _ transfer: Transfer, byteCount: Int? = nil, error: Errno? = nil, isCorrupted: Bool = false
  ) {
    var inner = transfer
    inner.tag = nextTag
    nextTag += 1
    if let byteCount { inner.byteCount = byteCount }
    passed[inner.tag] = Passed(
      tag: transfer.tag, error: error, corrupted: isCorrupted ? transfer : nil)
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
    guard result.tag >= Self.firstTag else { return result }
    guard let passed = passed.removeValue(forKey: result.tag) else {
      preconditionFailure("a result without a transfer")
    }
    var result = result
    result.tag = passed.tag
    if let error = passed.error, result.errorNumber == 0 { result.errorNumber = error.rawValue }
    if let read = passed.corrupted { corrupt(read, byteCount: result.byteCount) }
    return result
  }

  /// Turns the lowest bit of the first byte of each sector over.
  private func corrupt(_ read: Transfer, byteCount: Int) {
    var cursor = MemoryCursor(read.memory)
    var offset = 0
    while offset < byteCount,
      let piece = unsafe cursor.piece(limit: min(sectorByteCount, byteCount - offset))
    {
      if offset % sectorByteCount == 0 { unsafe piece[0] ^= 1 }
      offset += piece.count
      cursor.advance(by: piece.count)
    }
  }
}
