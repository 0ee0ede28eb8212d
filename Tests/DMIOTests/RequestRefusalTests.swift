import BlockIO
import BlockIOFaults
import Testing

@testable import DMIO

/// What the caller got wrong: a typed error from every form, and no I/O.
@Suite("Refused requests: E3, E10, E11, E12", .endsInTime)
struct RequestRefusalTests {
  /// All three forms refuse with the same error; nothing reaches the backend, no notify runs.
  private func expectRefusal(
    _ error: IORequestError, _ rig: Rig, _ operation: Operation, _ regions: [Region],
    _ memory: IOMemory, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    rig.seen.removeAll()
    let notified = Notified()
    #expect(throws: error, sourceLocation: sourceLocation) {
      _ = try rig.client.perform(operation, on: regions, memory: memory)
    }
    #expect(throws: error, sourceLocation: sourceLocation) {
      try rig.client.start(operation, on: regions, memory: memory) { notified.append($0) }
    }
    var thrown: IORequestError?
    do throws(IORequestError) {
      _ = try await rig.client.run(operation, on: regions, memory: memory)
    } catch { thrown = error }
    #expect(thrown == error, sourceLocation: sourceLocation)
    #expect(rig.seen.count == 0, sourceLocation: sourceLocation)
    #expect(notified.count == 0, sourceLocation: sourceLocation)
    #expect(rig.client.inUseCount == 0, sourceLocation: sourceLocation)
  }

  @Test("E3 a read names one region at most", arguments: Bench.allCases)
  func readOfSeveral(bench: Bench) async throws {
    let rig = try Rig(bench)
    let memory = SampleMemory(.contiguous, byteCount: 4096)
    try await expectRefusal(
      .readOfSeveralRegions(count: 2), rig, .read, [rig.region(0, 0, 8), rig.region(1, 0, 8)],
      memory.memory)
    #expect(isSame(memory.bytes, [UInt8](repeating: 0xEE, count: 4096)))
  }

  @Test("E10 at most 64 regions", arguments: Bench.allCases, Operation.allCases)
  func tooManyRegions(bench: Bench, operation: Operation) async throws {
    let rig = try Rig(bench, deviceCount: 1)
    let memory = SampleMemory(.contiguous, byteCount: 4096)
    let regions = Array(repeating: rig.region(0, 0, 8), count: 65)
    try await expectRefusal(
      .tooManyRegions(count: 65), rig, operation, regions, memory.memory)
  }

  @Test("E11 vectors and page offsets are multiples of 512", arguments: Bench.allCases)
  func misaligned(bench: Bench) async throws {
    let rig = try Rig(bench, deviceCount: 1)
    let sample = SampleMemory(.contiguous, byteCount: 16384)
    guard case .contiguous(let whole) = sample.memory.shape, let base = whole.baseAddress
    else { return }
    let region = [rig.region(0, 0, 8)]
    let vectors = unsafe IOMemory.vectors([
      UnsafeMutableRawBufferPointer(start: base, count: 4096),
      UnsafeMutableRawBufferPointer(start: base + 4096, count: 100),
    ])
    try await expectRefusal(.misaligned(byteCount: 100), rig, .write, region, vectors)
    for offset in [100, -512, 4096] {
      let pages = unsafe IOMemory.pages(
        PageList(pages: [base, base + 4096, base + 8192], firstPageOffset: offset))
      try await expectRefusal(.misaligned(byteCount: offset), rig, .read, region, pages)
    }
  }

  @Test("E12 memory as long as the longest region", arguments: Bench.allCases)
  func memoryTooShort(bench: Bench) async throws {
    let rig = try Rig(bench)
    let regions = [rig.region(0, 0, 8), rig.region(1, 0, 24)]
    for shape in SampleMemory.Shape.allCases where shape != .pagesFromWithin {
      let memory = SampleMemory(shape, byteCount: 16 * sectorByteCount)
      try await expectRefusal(
        .memoryTooShort(byteCount: 8192, neededByteCount: 24 * sectorByteCount), rig, .write,
        regions, memory.memory)
    }
    try await expectRefusal(
      .memoryTooShort(byteCount: 0, neededByteCount: 4096), rig, .read, [rig.region(0, 0, 8)],
      .none)
    // The first page's offset takes from its length.
    let within = SampleMemory(.pagesFromWithin, byteCount: 3072)
    try await expectRefusal(
      .memoryTooShort(byteCount: 3072, neededByteCount: 4096), rig, .write,
      [rig.region(0, 0, 8)], within.memory)
  }

  @Test("E12 a count too large for its bytes to be a number", arguments: Bench.allCases)
  func absurdCount(bench: Bench) async throws {
    let rig = try Rig(bench, deviceCount: 1)
    let memory = SampleMemory(.contiguous, byteCount: 4096)
    try await expectRefusal(
      .memoryTooShort(byteCount: 4096, neededByteCount: .max), rig, .write,
      [rig.region(0, 0, .max)], memory.memory)
  }
}
