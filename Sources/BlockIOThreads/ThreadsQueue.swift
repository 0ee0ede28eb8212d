internal import BlockIO

/// One thread's transfers by system calls; see ``ThreadsBackend`` for who runs what.
final class ThreadsQueue: TransferQueue {
  /// Where the backend's threads leave results for the queue's owner.
  final class Finished: Sendable {
    struct State {
      var results: [(TransferResult, slot: Int)] = []
      var isWoken = false
    }
    let state = ConditionLock(State())

    func append(_ result: TransferResult, slot: Int) {
      state.withLock { $0.results.append((result, slot)) }
      state.wakeOne()
    }
  }

  let capacity = 128
  private(set) var underWay = 0
  /// Those of them that go to a device which does not answer at memory speed.
  private var slowCount = 0
  var mayWait: Bool { slowCount > 0 }
  /// Held, because the threads end with the backend.
  private let backend: ThreadsBackend
  private let finished = Finished()
  private let slots: [TransferProgress]
  private var freeSlots: [Int]
  /// Submitted, not yet started; by what they wait for.
  private var quick: [Int] = []
  private var slow: [Int] = []
  private var handedOverCount = 0
  /// For transfers that go past the queue.
  private let passing = TransferProgress()

  init(backend: ThreadsBackend) {
    self.backend = backend
    slots = (0..<capacity).map { _ in TransferProgress() }
    freeSlots = Array((0..<capacity).reversed())
  }

  func submit(_ transfer: Transfer) {
    guard let slot = freeSlots.popLast() else { preconditionFailure("the queue is full") }
    slots[slot].begin(transfer)
    underWay += 1
    if transfer.device.latency != .memory { slowCount += 1 }
    if Self.isQuick(transfer) { quick.append(slot) } else { slow.append(slot) }
  }

  func mayPass(to device: Device) -> Bool { device.latency == .memory }

  func perform(_ transfer: Transfer) -> TransferResult { SystemCalls.perform(transfer, passing) }

  func reap(waiting: Bool, into results: inout [TransferResult]) {
    let before = results.count
    for slot in slow {
      handedOverCount += 1
      backend.pool.run(.init(progress: slots[slot], slot: slot, queue: finished))
    }
    slow.removeAll(keepingCapacity: true)
    for slot in quick { perform(slot, into: &results) }
    quick.removeAll(keepingCapacity: true)
    collect(waiting: waiting && results.count == before, into: &results)
  }

  func wake() {
    finished.state.withLock { $0.isWoken = true }
    finished.state.wakeOne()
  }

  private func perform(_ slot: Int, into results: inout [TransferResult]) {
    results.append(SystemCalls.perform(slots[slot]))
    release(slot)
  }

  private func release(_ slot: Int) {
    freeSlots.append(slot)
    underWay -= 1
    if slots[slot].transfer.device.latency != .memory { slowCount -= 1 }
  }

  private func collect(waiting: Bool, into results: inout [TransferResult]) {
    guard waiting || handedOverCount > 0 else { return }
    let arrived = finished.state.wait { state -> [(TransferResult, slot: Int)]? in
      guard !state.results.isEmpty || state.isWoken || !waiting else { return nil }
      // Only a wait may use a wake-up up; whoever merely looks leaves it for the next wait.
      if waiting { state.isWoken = false }
      defer { state.results.removeAll(keepingCapacity: true) }
      return state.results
    }
    for (result, slot) in arrived {
      results.append(result)
      release(slot)
      handedOverCount -= 1
    }
  }

  /// Whether a system call returns at memory speed. A lone read from the page cache counts: there
  /// is nothing to run beside it.
  private static func isQuick(_ transfer: Transfer) -> Bool {
    switch transfer.device.latency {
    case .memory: true
    case .pageCache: transfer.operation == .read || transfer.operation == .write
    case .device: false
    }
  }
}
