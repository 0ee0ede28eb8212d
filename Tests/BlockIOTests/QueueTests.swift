import BlockIO
import BlockIOFaults
import BlockIOThreads
import BlockIOUring
import Glibc
import Testing

/// What every backend's queues promise, whatever they are made of.
@Suite("TransferQueue")
struct QueueTests {
  enum Kind: String, CaseIterable, Sendable { case memory, faulty, threads, uring }

  private func makeQueue(_ kind: Kind, isBound: Bool) throws -> any TransferQueue {
    switch kind {
    case .memory: return try MemoryBackend().makeQueue(isBoundToThread: isBound)
    case .faulty:
      return try FaultBackend(ThreadsBackend()) { _ in nil }.makeQueue(isBoundToThread: isBound)
    case .threads: return try ThreadsBackend().makeQueue(isBoundToThread: isBound)
    case .uring:
      if let errno = UringBackend.refusal() {
        let reason = Comment(rawValue: "io_uring: \(errno.name)")
        try Test.cancel(reason)
      }
      return try UringBackend().makeQueue(isBoundToThread: isBound)
    }
  }

  /// A queue whose `wake()` another thread may call.
  private struct Waker: @unchecked Sendable {
    // Sendable: only `wake()` is called.
    let queue: any TransferQueue
  }

  @Test("a wake-up before the wait ends the next wait", arguments: Kind.allCases, [true, false])
  func wakeBefore(kind: Kind, isBound: Bool) throws {
    let queue = try makeQueue(kind, isBound: isBound)
    var results: [TransferResult] = []
    for _ in 0..<50 {
      queue.wake()
      queue.wake()
      queue.reap(waiting: true, into: &results)
    }
    #expect(results.isEmpty)
  }

  @Test("the ring keeps the memory whose pages it holds, so that nothing else comes to lie there")
  func keepsMemory() throws {
    var queue: (any TransferQueue)? = try makeQueue(.uring, isBound: true)
    weak var kept: PageMapping?
    do {
      let memory = try PageMapping(byteCount: 4096)
      queue?.adopt(memory)
      kept = memory
    }
    #expect(kept != nil)
    queue = nil
    #expect(kept == nil)
  }

  @Test("a look leaves the wake-up to the next wait", arguments: Kind.allCases, [true, false])
  func lookKeepsWake(kind: Kind, isBound: Bool) throws {
    let queue = try makeQueue(kind, isBound: isBound)
    var results: [TransferResult] = []
    for _ in 0..<50 {
      // The watch is set by a wait; so the second round finds it set.
      queue.wake()
      for _ in 0..<3 { queue.reap(waiting: false, into: &results) }
      queue.reap(waiting: true, into: &results)
    }
    #expect(results.isEmpty)
  }

  @Test(
    "a look that takes results leaves the wake-up, too",
    arguments: [Kind.threads, .uring, .faulty], [true, false])
  func lookWithResultsKeepsWake(kind: Kind, isBound: Bool) throws {
    let queue = try makeQueue(kind, isBound: isBound)
    var results: [TransferResult] = []
    for _ in 0..<20 {
      // A wait that ends with results leaves the ring's watch set.
      submitFlushes(2, to: queue)
      queue.reap(waiting: true, into: &results)
      submitFlushes(2, to: queue)
      queue.reap(waiting: false, into: &results)
      queue.wake()
      while queue.underWay > 0 { queue.reap(waiting: false, into: &results) }
      queue.reap(waiting: true, into: &results)
    }
    #expect(results.count == 80)
  }

  /// Not a file: they fail, but on the way of a slow device.
  private func submitFlushes(_ count: Int, to queue: any TransferQueue) {
    let device = Device(descriptor: -1, latency: .device, capacity: SectorCount(8))
    for tag in 0..<UInt64(count) {
      queue.submit(
        Transfer(
          tag: tag, operation: .flush, device: device, byteOffset: 0, byteCount: 0, memory: .none))
    }
  }

  @Test("a wake-up from another thread ends a wait", arguments: Kind.allCases, [true, false])
  func wakeDuring(kind: Kind, isBound: Bool) throws {
    let queue = try makeQueue(kind, isBound: isBound)
    var results: [TransferResult] = []
    let turn = ConditionLock(0)
    let waker = Waker(queue: queue)
    let thread = IOThread(name: "test-waker") {
      for round in 1...100 {
        turn.wait { $0 >= round ? () : nil }
        waker.queue.wake()
      }
    }
    for _ in 1...100 {
      turn.withLock { $0 += 1 }
      turn.wakeAll()
      queue.reap(waiting: true, into: &results)
    }
    thread.join()
    #expect(results.isEmpty)
  }

  @Test("a wake-up ends a wait for several, however few have ended", arguments: [true, false])
  func wakeDuringWaitForSeveral(isBound: Bool) throws {
    let queue = try makeQueue(.uring, isBound: isBound)
    // Reads of an empty pipe wait for as long as one likes.
    var ends: [CInt] = [-1, -1]
    try #require(unsafe pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    let device = Device(descriptor: ends[0], latency: .device, capacity: SectorCount(8))
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 2048, alignment: 4096)
    defer { unsafe memory.deallocate() }
    for tag in 0..<4 {
      queue.submit(
        unsafe Transfer(
          tag: UInt64(tag), operation: .read, device: device, byteOffset: 0, byteCount: 512,
          memory: .contiguous(memory + tag * 512, byteCount: 512)))
    }
    let bytes = [UInt8](repeating: 1, count: 2048)
    var results: [TransferResult] = []
    for ended in 0...2 {
      let waker = Waker(queue: queue)
      let thread = IOThread(name: "test-waker") { waker.queue.wake() }
      queue.reap(waitingFor: queue.underWay, into: &results)
      thread.join()
      // All of them were asked for, but the bell rang.
      #expect(results.count <= ended)
      let count = unsafe write(ends[1], bytes, 512)
      #expect(count == 512)
    }
    let count = unsafe write(ends[1], bytes, 512)
    #expect(count == 512)
    while queue.underWay > 0 { queue.reap(waitingFor: queue.underWay, into: &results) }
    #expect(results.map(\.tag).sorted() == [0, 1, 2, 3])
    #expect(results.allSatisfy { $0.errorNumber == 0 && $0.byteCount == 512 })
  }

  @Test("looks alone see a transfer end", arguments: [Kind.threads, .uring], [true, false])
  func looksSeeTheEnd(kind: Kind, isBound: Bool) throws {
    let queue = try makeQueue(kind, isBound: isBound)
    submitFlushes(queue.capacity, to: queue)
    #expect(queue.underWay == queue.capacity)
    var results: [TransferResult] = []
    for _ in 0..<10_000 where queue.underWay > 0 {
      queue.reap(waiting: false, into: &results)
      _ = ConditionLock(()).wait(atMostMilliseconds: 1) { _ -> Void? in nil }
    }
    #expect(queue.underWay == 0)
    #expect(results.map(\.tag).sorted() == Array(0..<UInt64(queue.capacity)))
    #expect(results.allSatisfy { $0.errorNumber != 0 })
  }
}
