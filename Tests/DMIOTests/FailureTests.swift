import BlockIO
import BlockIOFaults
import DMIO
import Testing

/// Error bits and errnos, and what failure leaves in memory.
@Suite("Failures: E4, E5, E6, E14, E17, E18", .endsInTime)
struct FailureTests {
  /// Carries a request out in the sync, the async and the `await` form.
  private func everyForm(
    _ rig: Rig, _ operation: Operation, _ regions: [Region], _ memory: IOMemory
  ) async throws -> [IOResult] {
    let sync = try rig.client.perform(operation, on: regions, memory: memory)
    let notified = Notified()
    try rig.client.start(operation, on: regions, memory: memory) { notified.append($0) }
    let async = try notified.first()
    let awaited = try await rig.client.run(operation, on: regions, memory: memory)
    #expect(notified.count == 1)
    return [sync, async, awaited]
  }

  private func failing(_ errors: [UInt64: Errno]) -> FaultBackend.Rule {
    { facts in errors[facts.byteOffset].map { .fail($0) } }
  }

  @Test("E4 E5 a bit and an errno for each region that failed", arguments: Bench.allCases)
  func errorBits(bench: Bench) async throws {
    let rig = try Rig(bench, deviceCount: 4, rule: failing([4096: .ioError, 8192: .noSpace]))
    let memory = SampleMemory(.pages, bytes: pattern(sectors: 8))
    let regions = [
      rig.region(0, 0, 8), rig.region(1, 8, 8), rig.region(2, 16, 8), rig.region(3, 24, 8),
    ]
    for result in try await everyForm(rig, .write, regions, memory.memory) {
      #expect(result.errorBits == ErrorBits(rawValue: 0b0110))
      #expect(
        result.failures == [
          RegionFailure(regionIndex: 1, error: .ioError),
          RegionFailure(regionIndex: 2, error: .noSpace),
        ])
      #expect(result.error(region: 0) == nil)
      #expect(!result.isSuccess)
      #expect(throws: IOFailure.self) { try result.orThrow() }
    }
    #expect(try isSame(rig.bytes(0, 0, 8), memory.bytes))
    #expect(try isSame(rig.bytes(3, 24, 8), memory.bytes))
  }

  @Test("E5 one of many is an error, none is success", arguments: Bench.allCases)
  func oneOfMany(bench: Bench) throws {
    let rig = try Rig(bench, deviceCount: 1, rule: failing([31 * 4096: .ioError]))
    var regions = (0..<31).map { rig.region(0, UInt64($0) * 8, 8) }
    #expect(try rig.client.perform(.writeZeroes, on: regions).isSuccess)
    try rig.client.perform(.writeZeroes, on: regions).orThrow()
    regions.append(rig.region(0, 31 * 8, 8))
    let result = try rig.client.perform(.writeZeroes, on: regions)
    #expect(result.errorBits == ErrorBits(index: 31))
    #expect(!result.isSuccess)
  }

  @Test(
    "E6 a failed read leaves zeroes in the part that failed and nowhere else",
    arguments: Bench.allCases, SampleMemory.Shape.allCases)
  func failedRead(bench: Bench, shape: SampleMemory.Shape) throws {
    let rig = try Rig(bench, deviceCount: 1) { facts in
      facts.operation == .read ? .fail(.ioError, afterByteCount: 8 * sectorByteCount) : nil
    }
    let written = pattern(sectors: 24)
    try rig.fill(0, with: written)
    let memory = SampleMemory(shape, byteCount: 32 * sectorByteCount)
    let result = try rig.client.perform(
      .read, on: [rig.region(0, 0, 24)], memory: memory.memory)
    #expect(result.errorBits == ErrorBits(index: 0))
    #expect(isSame(memory.bytes(0, 8), Array(written[..<4096])))
    #expect(isSame(memory.bytes(8, 16), [UInt8](repeating: 0, count: 16 * sectorByteCount)))
    #expect(isSame(memory.bytes(24, 8), [UInt8](repeating: 0xEE, count: 8 * sectorByteCount)))
  }

  @Test("E6 a failed write leaves its memory alone", arguments: Bench.allCases)
  func failedWrite(bench: Bench) throws {
    let rig = try Rig(bench, deviceCount: 1) { _ in .cutShort(afterByteCount: 4096) }
    let memory = SampleMemory(.vectors, bytes: pattern(sectors: 24))
    let result = try rig.client.perform(
      .write, on: [rig.region(0, 0, 24)], memory: memory.memory)
    #expect(result.error(region: 0) == .ioError)
    #expect(isSame(memory.bytes, pattern(sectors: 24)))
    #expect(try isSame(rig.bytes(0, 8, 8), [UInt8](repeating: 0, count: 4096)))
  }

  @Test(
    "E14 discard and zeroing work where the device can, and only there set a bit",
    arguments: Bench.allCases, [Operation.discard, .writeZeroes, .writeZeroesReserved])
  func zeroing(bench: Bench, operation: Operation) async throws {
    let rig = try Rig(bench, deviceCount: 1)
    let written = pattern(sectors: 64)
    try rig.fill(0, with: written)
    for result in try await everyForm(rig, operation, [rig.region(0, 16, 8)], .none) {
      #expect(result.isSuccess, "\(result.failures)")
    }
    let zeroes = [UInt8](repeating: 0, count: 4096)
    #expect(try isSame(rig.bytes(0, 16, 8), zeroes))
    #expect(try isSame(rig.bytes(0, 0, 16), Array(written[..<8192])))
    #expect(try isSame(rig.bytes(0, 24, 40), Array(written[12288...])))
    #expect(try rig.contents(0).count == Rig.byteCount)
    let memory = SampleMemory(.contiguous, byteCount: 4096)
    try rig.client.perform(.read, on: [rig.region(0, 16, 8)], memory: memory.memory).orThrow()
    #expect(isSame(memory.bytes, zeroes))
  }

  @Test("E14 flush and write-through are operations of their own", arguments: Bench.allCases)
  func flushing(bench: Bench) async throws {
    let rig = try Rig(bench)
    let memory = SampleMemory(.pages, bytes: pattern(sectors: 8))
    let regions = (0..<3).map { rig.region($0, 8, 8) }
    for result in try await everyForm(rig, .writeThrough, regions, memory.memory) {
      #expect(result.isSuccess)
    }
    for index in 0..<3 { #expect(try isSame(rig.bytes(index, 8, 8), memory.bytes)) }
    for result in try await everyForm(rig, .flush, regions, .none) { #expect(result.isSuccess) }
    let operations = rig.seen.all.map(\.operation)
    #expect(operations.filter { $0 == .writeThrough }.count == 9)
    #expect(operations.filter { $0 == .flush }.count == 9)
    #expect(operations.count == 18)
  }

  @Test("E17 64 error bits in every form", arguments: Bench.allCases)
  func everyBit(bench: Bench) async throws {
    let failed = Set([0, 31, 32, 63])
    let rig = try Rig(bench, deviceCount: 1) { facts in
      failed.contains(facts.ordinal % 64) ? .fail(.ioError) : nil
    }
    let memory = SampleMemory(.contiguous, byteCount: 4096)
    let regions = (0..<64).map { rig.region(0, UInt64($0 % 32) * 8, 8) }
    for result in try await everyForm(rig, .writeZeroes, regions, memory.memory) {
      #expect(result.errorBits.rawValue == 0x8000_0001_8000_0001)
      #expect(result.failures.map(\.regionIndex) == [0, 31, 32, 63])
    }
  }

  @Test(
    "E18 E14 an unsupported region among several completes exactly once",
    arguments: Bench.allCases,
    [Operation.flush, .discard, .writeZeroes, .writeZeroesReserved, .writeThrough])
  func unsupported(bench: Bench, operation: Operation) async throws {
    let refusing = Switch()
    let rig = try Rig(bench) { facts in
      facts.byteOffset == 4096 && refusing.isOn ? .fail(.notSupported) : nil
    }
    let memory = SampleMemory(.contiguous, bytes: pattern(sectors: 8))
    // A flush has no offset by which to know it.
    guard operation != .flush else { return try flushUnsupported(bench) }
    let regions = [rig.region(0, 0, 8), rig.region(1, 8, 8), rig.region(2, 16, 8)]
    for result in try await everyForm(rig, operation, regions, memory.memory) {
      #expect(result.failures == [RegionFailure(regionIndex: 1, error: .notSupported)])
    }
    #expect(rig.seen.count == 9)
    // The slots are clean: nothing of the failure is left for the next request.
    refusing.turnOff()
    for result in try await everyForm(rig, operation, regions, memory.memory) {
      #expect(result.isSuccess)
    }
    #expect(rig.client.inUseCount == 0)
  }

  private func flushUnsupported(_ bench: Bench) throws {
    let rig = try Rig(bench) { $0.ordinal % 3 == 1 ? .fail(.notSupported) : nil }
    let notified = Notified()
    let regions = (0..<3).map { rig.region($0, 0, 0) }
    for _ in 0..<10 { try rig.client.start(.flush, on: regions) { notified.append($0) } }
    for result in try notified.wait(count: 10) {
      #expect(result.failures == [RegionFailure(regionIndex: 1, error: .notSupported)])
    }
    #expect(try rig.client.perform(.flush, on: regions).errorBits == ErrorBits(index: 1))
    #expect(notified.count == 10)
  }
}
