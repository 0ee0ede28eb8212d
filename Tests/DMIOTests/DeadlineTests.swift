import BlockIO
import BlockIOFaults
import DMIO
import Glibc
import Testing

/// Waits that are cut short, and what is late (rule M12).
@Suite("Deadlines: M12", .endsInTime)
struct DeadlineTests {
  /// Writes eight sectors of one byte to two devices, at 0 and at 4096.
  private func write(_ rig: Rig, _ lane: IOLane, deadlines: Deadlines) throws -> IOResult {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 4096)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 7)
    // The lane's, for as long as something is late.
    defer { lane.afterLateRequests { unsafe memory.deallocate() } }
    let regions = [rig.region(0, 0, 8), rig.region(1, 8, 8)]
    return try unsafe regions.withUnsafeBufferPointer { regions in
      var request = unsafe IORequest(.write, regions: regions)
      if let base = memory.baseAddress {
        request.memory = unsafe .contiguous(base, byteCount: 4096)
      }
      return try lane.perform(request, deadlines: deadlines)
    }
  }

  @Test(
    "M12 a region that misses its deadline fails with ETIMEDOUT, the others do not",
    arguments: Bench.allCases)
  func late(bench: Bench) throws {
    let gate = Gate()
    let rig = try Rig(bench) { $0.byteOffset == 4096 ? .hold(gate) : nil }
    let lane = try rig.client.makeLane()
    var endedCount = 0
    let result = try write(rig, lane, deadlines: [20, 20])
    lane.whenLateEnds(result) { endedCount += 1 }
    // What frees the memory waits for the device.
    var freedCount = 0
    lane.afterLateRequests { freedCount += 1 }
    #expect(freedCount == 0)
    #expect(result.errorBits == ErrorBits(index: 1))
    #expect(result.lateBits == ErrorBits(index: 1))
    #expect(result.error(region: 1) == .timedOut)
    #expect(lane.lateCount == 1 && rig.client.lateCount == 1)
    let hasEnded = lane.drain {
      gate.open()
      return lane.lateCount == 0
    }
    #expect(!hasEnded && endedCount == 0 && freedCount == 0)
    #expect(lane.drain())
    lane.afterLateRequests { freedCount += 1 }
    #expect(freedCount == 2)
    #expect(endedCount == 1 && lane.lateCount == 0 && rig.client.lateCount == 0)
    rig.client.giveBack(lane)
    // It was late, not lost.
    #expect(try rig.bytes(0, 0, 8).allSatisfy { $0 == 7 })
    #expect(try rig.bytes(1, 8, 8).allSatisfy { $0 == 7 })
  }

  @Test("M12 a lent lane goes back at once, and is lent again when nothing is late on it")
  func lentLane() throws {
    let gate = Gate()
    let rig = try Rig(.memory, pages: 1) { $0.byteOffset == 4096 ? .hold(gate) : nil }
    let lent = ConditionLock<[ObjectIdentifier]>([])
    let lend: @Sendable (Deadlines) -> Void = { deadlines in
      let used = try? rig.client.withLane { lane in
        _ = try? self.write(rig, lane, deadlines: deadlines)
        return ObjectIdentifier(lane)
      }.get()
      lent.withLock { if let used { $0.append(used) } }
      lent.wakeAll()
    }
    // Nobody waits for the device: not who was late, and not who comes next.
    let late = IOThread(name: "test-late") { lend([20, 20]) }
    #expect(lent.wait(atMostMilliseconds: 30_000) { $0.count == 1 ? true : nil } == true)
    #expect(rig.client.lateCount == 1)
    let other = IOThread(name: "test-other") { lend([20, 20]) }
    #expect(lent.wait(atMostMilliseconds: 30_000) { $0.count == 2 ? true : nil } == true)
    #expect(rig.client.lateCount == 2 && rig.client.inUseCount == 0)
    gate.open()
    late.join()
    other.join()
    let lanes = lent.withLock { $0 }
    #expect(Set(lanes).count == 2)
    while rig.client.lateCount > 0 { usleep(1000) }
    lend([])
    #expect(lent.withLock { $0.count } == 3)
  }

  @Test("M12 what ends in time is not late, and 0 is no deadline", arguments: Bench.allCases)
  func inTime(bench: Bench) throws {
    let rig = try Rig(bench) { $0.byteOffset == 4096 ? .delay(milliseconds: 80) : nil }
    let lane = try rig.client.makeLane()
    for deadlines: Deadlines in [[20, 0], [20], [0, 30_000], []] {
      #expect(try write(rig, lane, deadlines: deadlines).isSuccess)
      #expect(lane.lateCount == 0)
    }
    rig.client.giveBack(lane)
  }

  @Test(
    "M12 E3 reads of several devices run side by side, each with its own deadline and result",
    arguments: Bench.allCases)
  func severalReads(bench: Bench) throws {
    let gates = [Gate(), Gate()]
    let rig = try Rig(bench) { facts in
      guard facts.operation == .read else { return nil }
      // The first ends only when the last has begun, and the one between them is late.
      switch facts.byteOffset {
      case 0: return .hold(gates[0])
      case 4096: return .hold(gates[1])
      default:
        gates[0].open()
        return nil
      }
    }
    for index in 0..<3 {
      try rig.fill(index, with: [UInt8](repeating: UInt8(index + 1), count: 3 * 4096))
    }
    let lane = try rig.client.makeLane()
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 3 * 4096, alignment: 4096)
    let regions = (0..<3).map { rig.region($0, UInt64($0) * 8, 8) }
    var endedCount = 0
    let results = try unsafe regions.withUnsafeBufferPointer { regions in
      let requests = regions.indices.compactMap { index in
        unsafe memory.baseAddress.map { base in
          unsafe IORequest(
            .read, regions: UnsafeBufferPointer(rebasing: regions[index...index]),
            memory: .contiguous(base + index * 4096, byteCount: 4096))
        }
      }
      return try lane.perform(all: requests, deadlines: [[5000], [50], [0]])
    }
    lane.whenLateEnds(results[1]) { endedCount += 1 }
    #expect(results.map(\.isSuccess) == [true, false, true])
    #expect(results[1].error(region: 0) == .timedOut && results[1].lateBits == ErrorBits(index: 0))
    unsafe #expect(memory[..<4096].allSatisfy { $0 == 1 } && memory[8192...].allSatisfy { $0 == 3 })
    gates[1].open()
    #expect(lane.drain() && endedCount == 1)
    unsafe memory.deallocate()
    rig.client.giveBack(lane)
  }
}
