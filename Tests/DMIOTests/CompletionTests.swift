import BlockIO
import BlockIOFaults
import DMIO
import Testing

/// When requests end, and who hears of it.
@Suite("Completion: E7, E8, E9, E19", .endsInTime)
struct CompletionTests {
  /// Milliseconds for what must not happen; only a broken engine makes a test wait longer.
  static let grace = 30

  @Test("E7 notify runs once, after all regions ended", arguments: Bench.allCases)
  func notifyOnce(bench: Bench) throws {
    let gate = Gate()
    let rig = try Rig(bench) { $0.byteOffset == 4096 ? .hold(gate) : nil }
    let memory = SampleMemory(.vectors, bytes: pattern(sectors: 8))
    let regions = [rig.region(0, 0, 8), rig.region(1, 8, 8), rig.region(2, 16, 8)]
    let notified = Notified()
    try rig.client.start(.write, on: regions, memory: memory.memory) { notified.append($0) }
    #expect(gate.waitForHeld(count: 1, atMostMilliseconds: 30_000))
    // Another request of the same client goes all its way meanwhile.
    let other = SampleMemory(.contiguous, bytes: pattern(sectors: 8, seed: 9))
    let others = Notified()
    try rig.client.start(.write, on: [rig.region(0, 64, 8)], memory: other.memory) {
      others.append($0)
    }
    #expect(try others.first().isSuccess)
    #expect(notified.count == 0)
    #expect(try isSame(rig.bytes(1, 8, 8), [UInt8](repeating: 0, count: 4096)))
    gate.open()
    #expect(try notified.first().isSuccess)
    #expect(try isSame(rig.bytes(1, 8, 8), memory.bytes))
    try rig.client.perform(.flush, on: regions).orThrow()
    #expect(notified.count == 1)
    #expect(rig.client.inUseCount == 0)
  }

  @Test("E7 two slow regions are under way at once", arguments: Bench.allCases)
  func regionsInParallel(bench: Bench) throws {
    let gate = Gate()
    let rig = try Rig(bench) { _ in .hold(gate) }
    let memory = SampleMemory(.contiguous, bytes: pattern(sectors: 8))
    let notified = Notified()
    for index in 0..<3 {
      let regions = [rig.region(index, 0, 8), rig.region(index, 8, 8)]
      try rig.client.start(.write, on: regions, memory: memory.memory) { notified.append($0) }
    }
    #expect(gate.waitForHeld(count: 6, atMostMilliseconds: 30_000))
    #expect(notified.count == 0)
    gate.open()
    for result in try notified.wait(count: 3) { #expect(result.isSuccess) }
    for index in 0..<3 { #expect(try isSame(rig.bytes(index, 8, 8), memory.bytes)) }
  }

  @Test("E7 a delayed transfer ends by itself", arguments: Bench.allCases)
  func delayed(bench: Bench) async throws {
    let rig = try Rig(bench) { _ in .delay(milliseconds: 2) }
    let memory = SampleMemory(.contiguous, bytes: pattern(sectors: 8))
    let regions = (0..<3).map { rig.region($0, 0, 8) }
    #expect(try rig.client.perform(.write, on: regions, memory: memory.memory).isSuccess)
    #expect(try await rig.client.run(.flush, on: regions).isSuccess)
  }

  @Test("E8 the slot is free before notify, which may start the next", arguments: Bench.allCases)
  func notifyStartsNext(bench: Bench) throws {
    let rig = try Rig(bench, deviceCount: 1, pages: 1)
    let chain = Chain(rig, length: 40)
    try chain.next()
    try chain.notified.wait(count: 40)
    #expect(chain.inUseCounts.count == 40)
    #expect(chain.inUseCounts.allSatisfy { $0 == 0 })
  }

  @Test("E8 notify never waits for a slot that others took", arguments: Bench.allCases)
  func notifyAgainstOthers(bench: Bench) throws {
    let rig = try Rig(bench, deviceCount: 1, pages: 1)
    let chains = (0..<4).map { _ in Chain(rig, length: 60) }
    for chain in chains { try chain.next() }
    let region = rig.region(0, 0, 8)
    let others = (0..<6).map { _ in
      IOThread(name: "test-other") {
        for _ in 0..<40 {
          let done = Notified()
          guard (try? rig.client.start(.flush, on: [region]) { done.append($0) }) != nil,
            (try? done.first()) != nil
          else {
            Issue.record("a flush was not done")
            return
          }
        }
      }
    }
    for chain in chains { try chain.notified.wait(count: 60) }
    for other in others { other.join() }
    #expect(rig.client.inUseCount == 0)
  }

  @Test("E8 notify starts the next from inside a sync perform's poll", arguments: Bench.allCases)
  func notifyInsidePerform(bench: Bench) throws {
    let rig = try Rig(bench, deviceCount: 1)
    let list = RegionList([rig.region(0, 0, 8)])
    _ = try rig.client.withLane { lane in
      var ended = 0
      func next() throws(IORequestError) {
        guard ended < 200 else { return }
        try lane.start(list.request(.flush)) { result in
          #expect(result.isSuccess)
          ended += 1
          #expect(throws: Never.self) { try next() }
          // A notify function may even wait, for a request of its own lane.
          if ended % 50 == 0 {
            #expect(throws: Never.self) { try lane.perform(list.request(.flush)).orThrow() }
          }
        }
      }
      for _ in 0..<8 { try? next() }
      for _ in 0..<20 {
        let result = try? lane.perform(list.request(.flush))
        #expect(result?.isSuccess == true)
      }
      while lane.underWay > 0 { lane.poll(waiting: true) }
      #expect(ended == 207)
    }
  }

  @Test("E9 sync does not return while a transfer is under way", arguments: Bench.allCases)
  func syncWaits(bench: Bench) throws {
    let gate = Gate()
    let rig = try Rig(bench) { $0.byteOffset == 4096 ? .hold(gate) : nil }
    let memory = SampleMemory(.pages, bytes: pattern(sectors: 8))
    let notified = Notified()
    let thread = IOThread(name: "test-sync") {
      let regions = [rig.region(0, 0, 8), rig.region(1, 8, 8), rig.region(2, 16, 8)]
      if let result = try? rig.client.perform(.write, on: regions, memory: memory.memory) {
        notified.append(result)
      }
    }
    #expect(gate.waitForHeld(count: 1, atMostMilliseconds: 30_000))
    #expect(ConditionLock(()).wait(atMostMilliseconds: Self.grace) { _ -> Void? in nil } == nil)
    #expect(notified.count == 0)
    #expect(rig.client.inUseCount == 1)
    gate.open()
    #expect(try notified.first().isSuccess)
    thread.join()
    #expect(try isSame(rig.bytes(1, 8, 8), memory.bytes))
  }

  @Test("E9 a lent lane is not given back with requests under way", arguments: Bench.allCases)
  func lentLane(bench: Bench) throws {
    let rig = try Rig(bench, deviceCount: 1)
    let list = RegionList([rig.region(0, 0, 8)])
    let notified = Notified()
    _ = try rig.client.withLane { lane in
      #expect(throws: Never.self) {
        try lane.start(list.request(.flush)) { result in
          // E8: the lane's own slot is free by then, too.
          #expect(lane.underWay == 0)
          notified.append(result)
        }
      }
    }
    #expect(notified.count == 1)
  }

  @Test("E19 overlapping requests are not serialised", arguments: Bench.allCases)
  func overlapping(bench: Bench) throws {
    let gate = Gate()
    let rig = try Rig(bench, deviceCount: 1) { $0.ordinal == 0 ? .hold(gate) : nil }
    let first = SampleMemory(.contiguous, bytes: pattern(sectors: 8, seed: 1))
    let second = SampleMemory(.contiguous, bytes: pattern(sectors: 8, seed: 2))
    let notified = Notified()
    let region = rig.region(0, 0, 8)
    try rig.client.start(.write, on: [region], memory: first.memory) { notified.append($0) }
    #expect(gate.waitForHeld(count: 1, atMostMilliseconds: 30_000))
    try rig.client.perform(.write, on: [region], memory: second.memory).orThrow()
    #expect(try isSame(rig.bytes(0, 0, 8), second.bytes))
    gate.open()
    #expect(try notified.first().isSuccess)
    #expect(try isSame(rig.bytes(0, 0, 8), first.bytes))
  }
}
