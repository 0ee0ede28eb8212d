import BlockIO
import BlockIOFaults
import Testing

@testable import DMIO

/// The client's pool: `dm_io_get` and `dm_io_put`.
@Suite("Pool: E15", .endsInTime)
struct PoolTests {
  @Test("E15 four slots a page")
  func arithmetic() throws {
    let client = IOClient(backend: MemoryBackend())
    #expect(client.slotCount == 0)
    client.get(pages: 3)
    #expect(client.slotCount == 12)
    client.get(pages: 1)
    #expect(client.slotCount == 16)
    try client.put(pages: 3)
    #expect(client.slotCount == 4)
  }

  @Test("E15 use before get, and after the last put, is an error", arguments: Bench.allCases)
  func noPool(bench: Bench) async throws {
    let rig = try Rig(bench, deviceCount: 1, pages: 0)
    try await expectNoPool(rig)
    rig.client.get(pages: 2)
    try rig.client.perform(.flush, on: [rig.region(0, 0, 0)]).orThrow()
    try rig.client.put(pages: 1)
    try rig.client.perform(.flush, on: [rig.region(0, 0, 0)]).orThrow()
    try rig.client.put(pages: 1)
    rig.seen.removeAll()
    try await expectNoPool(rig)
    rig.client.get(pages: 1)
    #expect(try await rig.client.run(.flush, on: [rig.region(0, 0, 0)]).isSuccess)
  }

  private func expectNoPool(_ rig: Rig) async throws {
    let regions = [rig.region(0, 0, 0)]
    #expect(throws: IORequestError.noPool) { try rig.client.perform(.flush, on: regions) }
    #expect(throws: IORequestError.noPool) {
      try rig.client.start(.flush, on: regions) { _ in Issue.record("notify ran") }
    }
    #expect(throws: IORequestError.noPool) { try rig.client.makeLane() }
    var thrown: IORequestError?
    do throws(IORequestError) { _ = try await rig.client.run(.flush, on: regions) } catch {
      thrown = error
    }
    #expect(thrown == .noPool)
    #expect(rig.seen.count == 0)
  }

  @Test("E15 unbalanced put is an error and changes nothing")
  func unbalancedPut() throws {
    let client = IOClient(backend: MemoryBackend(), pages: 2)
    #expect(throws: IORequestError.unbalancedPut(pages: 3, heldPages: 2)) {
      try client.put(pages: 3)
    }
    #expect(throws: IORequestError.unbalancedPut(pages: 0, heldPages: 2)) {
      try client.put(pages: 0)
    }
    #expect(throws: IORequestError.unbalancedPut(pages: -1, heldPages: 2)) {
      try client.put(pages: -1)
    }
    #expect(client.slotCount == 8)
    try client.put(pages: 2)
    #expect(throws: IORequestError.unbalancedPut(pages: 1, heldPages: 0)) {
      try client.put(pages: 1)
    }
  }

  @Test("E15 a full pool waits, and a get lets the waiter go on", arguments: Bench.allCases)
  func fullPool(bench: Bench) throws {
    let gate = Gate()
    let rig = try Rig(bench, deviceCount: 1, pages: 1) { _ in .hold(gate) }
    let region = rig.region(0, 0, 0)
    let notified = Notified()
    for _ in 0..<4 { try rig.client.start(.flush, on: [region]) { notified.append($0) } }
    #expect(gate.waitForHeld(count: 4, atMostMilliseconds: 30_000))
    let threads = (0..<2).map { _ in
      IOThread(name: "test-waiter") {
        try? rig.client.start(.flush, on: [region]) { notified.append($0) }
      }
    }
    #expect(!gate.waitForHeld(count: 5, atMostMilliseconds: CompletionTests.grace))
    #expect(rig.client.inUseCount == 4)
    rig.client.get(pages: 1)
    #expect(gate.waitForHeld(count: 6, atMostMilliseconds: 30_000))
    gate.open()
    try notified.wait(count: 6)
    for thread in threads { thread.join() }
    #expect(rig.client.inUseCount == 0)
  }

  @Test("E15 a get lets those in line go on, as many as it has room for")
  func getServesTheLine() throws {
    let gate = Gate()
    let rig = try Rig(.memory, deviceCount: 1, pages: 1) { _ in .hold(gate) }
    let notified = Notified()
    for _ in 0..<10 {
      let lists = RequestLists(regions: [rig.region(0, 0, 0)], memory: .none)
      rig.client.enqueue(lists.request(.flush)) { result in
        withExtendedLifetime(lists) { if let result { notified.append(result) } }
      }
    }
    #expect(gate.waitForHeld(count: 4, atMostMilliseconds: 30_000))
    #expect(!gate.waitForHeld(count: 5, atMostMilliseconds: CompletionTests.grace))
    rig.client.get(pages: 1)
    #expect(gate.waitForHeld(count: 8, atMostMilliseconds: 30_000))
    #expect(!gate.waitForHeld(count: 9, atMostMilliseconds: CompletionTests.grace))
    #expect(rig.client.inUseCount == 8)
    gate.open()
    for result in try notified.wait(count: 10) { #expect(result.isSuccess) }
  }

  @Test("E15 a put of the last page refuses those in line")
  func putRefusesTheLine() throws {
    let gate = Gate()
    let rig = try Rig(.memory, deviceCount: 1, pages: 1) { _ in .hold(gate) }
    let (notified, refused) = (Notified(), ConditionLock(0))
    for _ in 0..<10 {
      let lists = RequestLists(regions: [rig.region(0, 0, 0)], memory: .none)
      rig.client.enqueue(lists.request(.flush)) { result in
        withExtendedLifetime(lists) {
          if let result { notified.append(result) } else { refused.withLock { $0 += 1 } }
        }
      }
    }
    #expect(gate.waitForHeld(count: 4, atMostMilliseconds: 30_000))
    try rig.client.put(pages: 1)
    #expect(refused.withLock { $0 } == 6)
    gate.open()
    for result in try notified.wait(count: 4) { #expect(result.isSuccess) }
    #expect(rig.client.inUseCount == 0)
  }

  @Test("E15 a put while in use lets what is under way end", arguments: Bench.allCases)
  func putWhileInUse(bench: Bench) throws {
    let gate = Gate()
    let rig = try Rig(bench, deviceCount: 1, pages: 1) { _ in .hold(gate) }
    let region = rig.region(0, 0, 0)
    let notified = Notified()
    for _ in 0..<4 { try rig.client.start(.flush, on: [region]) { notified.append($0) } }
    #expect(gate.waitForHeld(count: 4, atMostMilliseconds: 30_000))
    let refused = ConditionLock<IORequestError?>(nil)
    let waiter = IOThread(name: "test-waiter") {
      do throws(IORequestError) {
        _ = try rig.client.perform(.flush, on: [region])
      } catch {
        refused.withLock { $0 = error }
        refused.wakeAll()
      }
    }
    // Time to get as far as waiting.
    #expect(refused.wait(atMostMilliseconds: CompletionTests.grace) { $0 } == nil)
    try rig.client.put(pages: 1)
    // Whoever waits for a slot hears that the pool is gone.
    #expect(refused.wait(atMostMilliseconds: 30_000) { $0 } == .noPool)
    waiter.join()
    #expect(notified.count == 0)
    gate.open()
    for result in try notified.wait(count: 4) { #expect(result.isSuccess) }
    #expect(rig.client.inUseCount == 0)
  }

  @Test("E15 many threads on one page: waiting, never failing", arguments: Bench.allCases)
  func manyThreads(bench: Bench) throws {
    let rig = try Rig(bench, deviceCount: 2, pages: 1)
    let most = ConditionLock(0)
    let threads = (0..<16).map { number in
      IOThread(name: "test-\(number)") {
        let memory = SampleMemory(.vectors, bytes: pattern(sectors: 8, seed: UInt8(number)))
        let back = SampleMemory(.pages, byteCount: 4096)
        let first = UInt64(number) * 8
        for _ in 0..<20 {
          let regions = [rig.region(0, first, 8), rig.region(1, first, 8)]
          let write = try? rig.client.perform(.write, on: regions, memory: memory.memory)
          let used = rig.client.inUseCount
          most.withLock { $0 = max($0, used) }
          let read = try? rig.client.perform(.read, on: [regions[1]], memory: back.memory)
          #expect(write?.isSuccess == true && read?.isSuccess == true)
          #expect(isSame(back.bytes, memory.bytes))
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(most.withLock { $0 } <= 4)
    #expect(rig.client.inUseCount == 0)
  }

  @Test("E15 stacked clients do not starve each other", arguments: Bench.allCases)
  func stackedClients(bench: Bench) throws {
    let gate = Gate()
    let upper = try Rig(bench, deviceCount: 1, pages: 1) { _ in .hold(gate) }
    let lower = try Rig(bench, deviceCount: 1, pages: 1)
    let notified = Notified()
    for _ in 0..<4 {
      try upper.client.start(.flush, on: [upper.region(0, 0, 0)]) { notified.append($0) }
    }
    #expect(try lower.client.perform(.flush, on: [lower.region(0, 0, 0)]).isSuccess)
    gate.open()
    try notified.wait(count: 4)
  }

  @Test("E15 a lane of one's own holds a slot", arguments: Bench.allCases)
  func ownLane(bench: Bench) throws {
    let rig = try Rig(bench, deviceCount: 1, pages: 1)
    let lane = try rig.client.makeLane()
    #expect(rig.client.inUseCount == 1)
    let list = RegionList([rig.region(0, 0, 0)])
    #expect(try lane.perform(list.request(.flush)).isSuccess)
    rig.client.giveBack(lane)
    #expect(rig.client.inUseCount == 0)
  }
}
