import BlockIO
import BlockIOFaults
import DMIO
import Glibc
import Testing

/// Transfers that go past the queue, because their devices answer at memory speed. The rules hold
/// for them as for all others: every suite runs on these benches, too.
@Suite("Transfers past the queue: E4, E6, E7, E14", .endsInTime)
struct PassingTests {
  static let inMemory: [Bench] = [.threadsTmpfs, .uringTmpfs]

  @Test("a request that waits goes past the queue in memory alone", arguments: Bench.allCases)
  func whoPasses(bench: Bench) throws {
    let rig = try Rig(bench, deviceCount: 2)
    let memory = SampleMemory(.contiguous, bytes: pattern(sectors: 8))
    let regions = [rig.region(0, 8, 8), rig.region(1, 16, 8)]
    for operation in [Operation.write, .writeThrough, .flush, .writeZeroes] {
      try rig.client.perform(operation, on: regions, memory: memory.memory).orThrow()
    }
    #expect(rig.seen.count == 8)
    #expect(rig.seen.all.allSatisfy { $0.isPassing == Self.inMemory.contains(bench) })
  }

  @Test("E7 a request with a notify function never does", arguments: inMemory)
  func notified(bench: Bench) throws {
    let rig = try Rig(bench, deviceCount: 1)
    let notified = Notified()
    try rig.client.start(.flush, on: [rig.region(0, 0, 0)]) { notified.append($0) }
    #expect(try notified.first().isSuccess)
    #expect(rig.seen.all.map(\.isPassing) == [false])
  }

  @Test("what the lane has started before is not left waiting", arguments: inMemory)
  func startedBefore(bench: Bench) throws {
    let rig = try Rig(bench, deviceCount: 1)
    let lane = try rig.client.makeLane()
    defer { rig.client.giveBack(lane) }
    let regions = [rig.region(0, 0, 0)]
    var endedCount = 0
    try unsafe regions.withUnsafeBufferPointer { regions in
      let request = unsafe IORequest(.flush, regions: regions)
      try lane.start(request) { _ in endedCount += 1 }
      try lane.perform(request).orThrow()
    }
    #expect(endedCount == 1)
    lane.poll(waiting: false)
  }

  @Test("a fault that is set stops them, so that it is met", arguments: inMemory)
  func faults(bench: Bench) throws {
    let rig = try Rig(bench, deviceCount: 1) { _ in .fail(.noSpace) }
    let result = try rig.client.perform(.flush, on: [rig.region(0, 0, 0)])
    #expect(result.failures == [RegionFailure(regionIndex: 0, error: .noSpace)])
    #expect(rig.seen.all.map(\.isPassing) == [false])
  }

  @Test("E4 the bit of a region that fails, and no other", arguments: inMemory)
  func errorBits(bench: Bench) throws {
    let rig = try Rig(bench, deviceCount: 3)
    let memory = SampleMemory(.contiguous, bytes: pattern(sectors: 8))
    var regions = [rig.region(0, 8, 8), rig.region(1, 8, 8), rig.region(2, 8, 8)]
    regions[1].device.descriptor = -1
    let result = try rig.client.perform(.write, on: regions, memory: memory.memory)
    #expect(rig.seen.all.allSatisfy { $0.isPassing })
    #expect(result.errorBits == ErrorBits(index: 1))
    #expect(result.failures == [RegionFailure(regionIndex: 1, error: Errno(EBADF))])
    #expect(result.failureTime(region: 1) != nil)
    #expect(result.failureTime(region: 0) == nil)
    #expect(try isSame(rig.bytes(0, 8, 8), memory.bytes))
    #expect(try isSame(rig.bytes(2, 8, 8), memory.bytes))
  }

  @Test("E6 what a read did not bring is zeroed, to the region's end", arguments: inMemory)
  func cutRead(bench: Bench) throws {
    let rig = try Rig(bench, deviceCount: 1)
    let written = pattern(sectors: 32)
    try rig.fill(0, with: written)
    _ = try rig.cut(0, toSectors: 8)
    let memory = SampleMemory(.contiguous, byteCount: 40 * sectorByteCount)
    let result = try rig.client.perform(
      .read, on: [rig.region(0, 0, 32)], memory: memory.memory)
    #expect(rig.seen.all.allSatisfy { $0.isPassing })
    #expect(result.failures == [RegionFailure(regionIndex: 0, error: .ioError)])
    #expect(isSame(memory.bytes(0, 8), Array(written[..<(8 * sectorByteCount)])))
    #expect(isSame(memory.bytes(8, 24), [UInt8](repeating: 0, count: 24 * sectorByteCount)))
    #expect(isSame(memory.bytes(32, 8), [UInt8](repeating: 0xEE, count: 8 * sectorByteCount)))
  }
}
