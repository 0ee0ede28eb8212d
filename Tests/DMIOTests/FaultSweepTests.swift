import BlockIO
import BlockIOFaults
import DMIO
import Testing

/// For each service and operation: the first transfer fails, then the second, and so on to the
/// last. Whichever it is, its region's bit is set and no other, and all is well afterwards.
@Suite("Fault sweep: E4, E6, E8, E18", .endsInTime)
struct FaultSweepTests {
  /// What one round of a scenario asks for: three requests with these regions.
  private static func requests(_ operation: Operation, _ rig: Rig) -> [[Region]] {
    if operation == .read {
      return (0..<3).map { [rig.region(Int($0), UInt64($0) * 16, 16)] }
    }
    return [
      (0..<3).map { rig.region($0, 16, 16) },
      [rig.region(2, 64, 8), rig.region(0, 0, 0), rig.region(1, 80, 24)],
      [rig.region(1, 128, 16)],
    ]
  }

  /// Devices that a request's transfers go to, in the order of its regions, with their indices.
  private static func transfers(_ operation: Operation, _ regions: [Region]) -> [Int] {
    regions.indices.filter { operation == .flush || !regions[$0].sectors.isEmpty }
  }

  @Test(
    "the n-th transfer fails, for every n", arguments: Bench.allCases,
    [
      Operation.read, .write, .writeThrough, .flush, .discard, .writeZeroes, .writeZeroesReserved,
    ])
  func sweep(bench: Bench, operation: Operation) async throws {
    // The ordinal of the transfer that fails; none as long as it is negative.
    let failing = ConditionLock(-1)
    let counted = ConditionLock(0)
    let rig = try Rig(bench) { _ in
      let number = counted.withLock { number in
        defer { number += 1 }
        return number
      }
      return failing.withLock({ $0 == number }) ? .fail(.ioError) : nil
    }
    for form in ServiceTests.Form.allCases {
      for shape in [SampleMemory.Shape.contiguous, .vectorsOdd, .pagesFromWithin] {
        let requests = Self.requests(operation, rig)
        let count = requests.reduce(0) { $0 + Self.transfers(operation, $1).count }
        for ordinal in -1..<count {
          counted.withLock { $0 = 0 }
          failing.withLock { $0 = ordinal }
          var left = ordinal
          for regions in requests {
            let transfers = Self.transfers(operation, regions)
            let failed = transfers.indices.contains(left) ? transfers[left] : nil
            left -= transfers.count
            try await expect(failed, form, rig, operation, regions, shape)
          }
          #expect(counted.withLock { $0 } == count)
          #expect(rig.client.inUseCount == 0)
          failing.withLock { $0 = -1 }
        }
      }
    }
  }

  /// One request, of which this region fails, or none.
  private func expect(
    _ failed: Int?, _ form: ServiceTests.Form, _ rig: Rig, _ operation: Operation,
    _ regions: [Region], _ shape: SampleMemory.Shape
  ) async throws {
    let memory = SampleMemory(shape, byteCount: 24 * sectorByteCount)
    let result = try await ServiceTests.carryOut(
      form, rig, operation, regions, operation.movesData ? memory.memory : .none)
    #expect(result.errorBits == (failed.map { ErrorBits(index: $0) } ?? []))
    #expect(
      result.failures
        == (failed.map { [RegionFailure(regionIndex: $0, error: .ioError)] } ?? []))
    if operation == .read, failed != nil {
      #expect(isSame(memory.bytes(0, 16), [UInt8](repeating: 0, count: 16 * sectorByteCount)))
    }
    if operation != .read {
      #expect(isSame(memory.bytes, [UInt8](repeating: 0xEE, count: 24 * sectorByteCount)))
    }
  }

  @Test("a copy of which the n-th transfer fails, for every n", arguments: Bench.allCases)
  func sweepOfCopy(bench: Bench) throws {
    let failing = ConditionLock(-1)
    let counted = ConditionLock(0)
    let failedRead = ConditionLock(false)
    let rig = try Rig(bench) { facts in
      let number = counted.withLock { number in
        defer { number += 1 }
        return number
      }
      guard failing.withLock({ $0 == number }) else { return nil }
      failedRead.withLock { $0 = facts.operation == .read }
      return .fail(.ioError)
    }
    try rig.fill(0, with: pattern(sectors: Rig.sectorCount))
    let copier = try CopyClient(
      backend: rig.client.backend, pieceByteCount: 8192, pieceCount: 2)
    let targets = [rig.region(1, 0, 64), rig.region(2, 8, 64)]
    // Four pieces, each read once and written twice.
    for ordinal in -1..<12 {
      for index in [1, 2] { try rig.fill(index, with: pattern(sectors: 80, seed: 7)) }
      counted.withLock { $0 = 0 }
      failing.withLock { $0 = ordinal }
      let result = try copier.copy(from: rig.region(0, 0, 64), to: targets, ignoresErrors: true)
      failing.withLock { $0 = -1 }
      #expect(result.isSuccess == (ordinal < 0))
      #expect(copier.usedPieceCount == 0)
      guard ordinal >= 0 else { continue }
      if failedRead.withLock({ $0 }) {
        #expect(result.readError == .ioError && result.writeErrorBits.isEmpty)
      } else {
        #expect(result.readError == nil && result.writeErrorBits.count == 1)
      }
      // What is said to be copied is.
      let count = Int(result.copiedCount.rawValue)
      for (index, first) in [(1, 0), (2, 8)] {
        #expect(
          try isSame(
            rig.bytes(index, first, count),
            Array(pattern(sectors: Rig.sectorCount)[..<(count * 512)])))
      }
    }
  }
}
