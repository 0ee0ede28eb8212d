import BlockIO
import BlockIOFaults
import DMIO
import Testing

/// Which sectors of which device get which bytes.
@Suite("Regions: E1, E2, E13, E16", .endsInTime)
struct RegionTests {
  @Test("E1 a region without sectors is ignored", arguments: Bench.allCases)
  func emptyRegion(bench: Bench) throws {
    let rig = try Rig(bench)
    let memory = SampleMemory(.contiguous, bytes: pattern(sectors: 8))
    let regions = [rig.region(0, 8, 8), rig.region(1, 9999, 0), rig.region(2, 0, 8)]
    let result = try rig.client.perform(.write, on: regions, memory: memory.memory)
    #expect(result.isSuccess)
    #expect(rig.seen.all.map { rig.index(of: $0.device) } == [0, 2])
    #expect(try isSame(rig.bytes(0, 8, 8), memory.bytes))
    #expect(try isSame(rig.contents(1), [UInt8](repeating: 0, count: Rig.byteCount)))
  }

  @Test(
    "E1 nothing but a flush goes to a region without sectors",
    arguments: Bench.allCases, Operation.allCases)
  func emptyRegionOperations(bench: Bench, operation: Operation) throws {
    let rig = try Rig(bench, deviceCount: 1)
    let result = try rig.client.perform(operation, on: [rig.region(0, 9999, 0)])
    #expect(result.isSuccess)
    #expect(rig.seen.all.map(\.operation) == (operation == .flush ? [.flush] : []))
  }

  @Test(
    "E2 each region gets the first sectors of the same memory",
    arguments: Bench.allCases, SampleMemory.Shape.allCases)
  func unequalCounts(bench: Bench, shape: SampleMemory.Shape) throws {
    let rig = try Rig(bench)
    let memory = SampleMemory(shape, bytes: pattern(sectors: 72))
    let regions = [rig.region(0, 16, 8), rig.region(1, 0, 72), rig.region(2, 176, 24)]
    #expect(try rig.client.perform(.write, on: regions, memory: memory.memory).isSuccess)
    #expect(try isSame(rig.bytes(0, 16, 8), memory.bytes(0, 8)))
    #expect(try isSame(rig.bytes(1, 0, 72), memory.bytes))
    #expect(try isSame(rig.bytes(2, 176, 24), memory.bytes(0, 24)))
    let zeroes = [UInt8](repeating: 0, count: 16 * sectorByteCount)
    #expect(try isSame(rig.bytes(0, 0, 16), zeroes))
    #expect(try isSame(rig.bytes(0, 24, 16), zeroes))
    #expect(try isSame(rig.bytes(2, 200, 16), zeroes))
  }

  @Test("E13 a region past the end fails alone", arguments: Bench.allCases)
  func regionPastTheEnd(bench: Bench) throws {
    let rig = try Rig(bench)
    let memory = SampleMemory(.contiguous, bytes: pattern(sectors: 16))
    let end = UInt64(Rig.sectorCount)
    let regions = [rig.region(0, 0, 16), rig.region(1, end - 8, 16), rig.region(2, end - 16, 16)]
    let result = try rig.client.perform(.write, on: regions, memory: memory.memory)
    #expect(result.errorBits == ErrorBits(index: 1))
    #expect(result.error(region: 1) == .noSpace)
    #expect(try isSame(rig.bytes(0, 0, 16), memory.bytes))
    #expect(try isSame(rig.bytes(2, Rig.sectorCount - 16, 16), memory.bytes))
    #expect(try isSame(rig.bytes(1, Rig.sectorCount - 8, 8), [UInt8](repeating: 0, count: 4096)))
  }

  @Test("E13 sectors too high for their bytes to be a number", arguments: Bench.allCases)
  func absurdRegions(bench: Bench) throws {
    let rig = try Rig(bench, deviceCount: 1)
    let regions = [rig.region(0, .max, 8), rig.region(0, 8, .max), rig.region(0, .max, .max)]
    let result = try rig.client.perform(.discard, on: regions)
    #expect(result.errorBits == ErrorBits(rawValue: 0b111))
    #expect(rig.seen.count == 0)
  }

  @Test("E13 a read past the end leaves zeroes", arguments: Bench.allCases)
  func readPastTheEnd(bench: Bench) throws {
    let rig = try Rig(bench, deviceCount: 1)
    let memory = SampleMemory(.vectors, byteCount: 16 * sectorByteCount)
    let region = rig.region(0, UInt64(Rig.sectorCount) - 8, 16)
    let result = try rig.client.perform(.read, on: [region], memory: memory.memory)
    #expect(result.failures == [RegionFailure(regionIndex: 0, error: .ioError)])
    #expect(isSame(memory.bytes, [UInt8](repeating: 0, count: memory.byteCount)))
  }

  @Test(
    "E13 E6 a device cut under its region ends the read there",
    arguments: Bench.allCases, [SampleMemory.Shape.contiguous, .vectors, .vectorsOdd])
  func cutDevice(bench: Bench, shape: SampleMemory.Shape) throws {
    let rig = try Rig(bench, deviceCount: 1)
    let written = pattern(sectors: 64)
    try rig.fill(0, with: written)
    guard try rig.cut(0, toSectors: 24) else { try Test.cancel("a loop device keeps its size") }
    let memory = SampleMemory(shape, byteCount: 64 * sectorByteCount)
    let result = try rig.client.perform(
      .read, on: [rig.region(0, 0, 64)], memory: memory.memory)
    #expect(result.failures == [RegionFailure(regionIndex: 0, error: .ioError)])
    #expect(isSame(memory.bytes(0, 24), Array(written[..<(24 * sectorByteCount)])))
    #expect(isSame(memory.bytes(24, 40), [UInt8](repeating: 0, count: 40 * sectorByteCount)))
  }

  @Test("E16 no regions: success at once", arguments: Bench.allCases, Operation.allCases)
  func noRegions(bench: Bench, operation: Operation) async throws {
    let rig = try Rig(bench, deviceCount: 0)
    let notified = Notified()
    #expect(try rig.client.perform(operation, on: []).isSuccess)
    try rig.client.start(operation, on: []) { notified.append($0) }
    #expect(try notified.first().isSuccess)
    #expect(try await rig.client.run(operation, on: []).isSuccess)
    #expect(rig.seen.count == 0)
  }
}
