import BlockIO
import BlockIOFaults
import DMIO
import Testing

/// The six services: three kinds of memory, each synchronous and asynchronous.
@Suite("Services", .endsInTime)
struct ServiceTests {
  enum Form: String, CaseIterable, Sendable { case sync, async, awaited }

  static func carryOut(
    _ form: Form, _ rig: Rig, _ operation: Operation, _ regions: [Region], _ memory: IOMemory
  ) async throws -> IOResult {
    switch form {
    case .sync: return try rig.client.perform(operation, on: regions, memory: memory)
    case .async:
      let notified = Notified()
      try rig.client.start(operation, on: regions, memory: memory) { notified.append($0) }
      return try notified.first()
    case .awaited: return try await rig.client.run(operation, on: regions, memory: memory)
    }
  }

  /// More than a window of vectors, and more than the bounce buffer, when the memory is odd.
  static let sectorCount = 200

  @Test("every service reads and writes", arguments: Bench.allCases, SampleMemory.Shape.allCases)
  func everyService(bench: Bench, shape: SampleMemory.Shape) async throws {
    let rig = try Rig(bench, deviceCount: 2)
    for (seed, form) in Form.allCases.enumerated() {
      let bytes = pattern(sectors: Self.sectorCount, seed: UInt8(seed))
      for operation in [Operation.write, .writeThrough] {
        let written = SampleMemory(shape, bytes: bytes)
        let regions = (0..<2).map { rig.region($0, 16, UInt64(Self.sectorCount)) }
        #expect(try await Self.carryOut(form, rig, operation, regions, written.memory).isSuccess)
        #expect(try isSame(rig.bytes(0, 16, Self.sectorCount), bytes))
        #expect(try await Self.carryOut(form, rig, .writeZeroes, [regions[0]], .none).isSuccess)
        #expect(try await Self.carryOut(form, rig, .flush, regions, .none).isSuccess)
        let read = SampleMemory(shape, byteCount: bytes.count + 4096)
        #expect(try await Self.carryOut(form, rig, .read, [regions[1]], read.memory).isSuccess)
        #expect(isSame(read.bytes(0, Self.sectorCount), bytes))
        #expect(isSame(read.bytes(Self.sectorCount, 8), [UInt8](repeating: 0xEE, count: 4096)))
      }
    }
  }

  @Test("a vector list of thousands of pieces", arguments: Bench.allCases)
  func longVectorList(bench: Bench) async throws {
    let rig = try Rig(bench, deviceCount: 1)
    let bytes = pattern(sectors: Rig.sectorCount)
    for shape in [SampleMemory.Shape.vectorsMany, .vectorsOdd, .contiguousOdd] {
      let written = SampleMemory(shape, bytes: bytes)
      let whole = [rig.region(0, 0, UInt64(Rig.sectorCount))]
      try rig.client.perform(.write, on: whole, memory: written.memory).orThrow()
      #expect(try isSame(rig.contents(0), bytes))
      let read = SampleMemory(shape, byteCount: bytes.count)
      try rig.client.perform(.read, on: whole, memory: read.memory).orThrow()
      #expect(isSame(read.bytes, bytes))
      try rig.client.perform(.discard, on: whole).orThrow()
    }
  }

  @Test("memory that may only be read serves a write")
  func constantMemory() throws {
    let rig = try Rig(.memory, deviceCount: 1)
    let bytes = pattern(sectors: 16)
    let result = unsafe try bytes.withUnsafeBytes { bytes in
      let halves = unsafe [
        UnsafeRawBufferPointer(rebasing: bytes[4096...]),
        UnsafeRawBufferPointer(rebasing: bytes[..<4096]),
      ]
      let first = unsafe try rig.client.perform(
        .write, on: [rig.region(0, 0, 16)], memory: .contiguous(bytes))
      let second = unsafe try rig.client.perform(
        .write, on: [rig.region(0, 16, 16)], memory: .vectors(halves))
      return first.isSuccess && second.isSuccess
    }
    #expect(result)
    #expect(try isSame(rig.bytes(0, 0, 16), bytes))
    #expect(try isSame(rig.bytes(0, 16, 16), Array(bytes[4096...] + bytes[..<4096])))
  }

  @Test("more transfers than a queue takes at once", arguments: Bench.allCases)
  func moreThanTheQueue(bench: Bench) throws {
    let rig = try Rig(bench, deviceCount: 1, pages: 8)
    let regions = (0..<64).map { rig.region(0, UInt64($0 % 32) * 8, 8) }
    let notified = Notified()
    for _ in 0..<20 { try rig.client.start(.writeZeroes, on: regions) { notified.append($0) } }
    for result in try notified.wait(count: 20) { #expect(result.isSuccess) }
    #expect(rig.seen.count == 20 * 64)
  }
}
