import BlockIO
import BlockIOFaults
import DMIO
import Testing

/// Zeroing many regions, by the devices or by hand: the kernel's `dm_kcopyd_zero`.
@Suite("Zeroing", .endsInTime)
struct ZeroingTests {
  private static let pieceByteCount = 8192
  private static let old = pattern(sectors: Rig.sectorCount, seed: 5)

  private func zeroer(
    _ rig: Rig, pieceCount: Int = 3, throttle: CopyClient.Throttle? = nil
  ) throws -> CopyClient {
    try CopyClient(
      backend: rig.client.backend, pieceByteCount: Self.pieceByteCount, pieceCount: pieceCount,
      throttle: throttle)
  }

  /// Zeroes in the sync, the async and the `await` form.
  private func carryOut(
    _ form: ServiceTests.Form, _ client: CopyClient, _ regions: [Region]
  ) async throws -> CopyResult {
    switch form {
    case .sync: return try client.zero(regions)
    case .awaited: return try await client.run(zeroing: regions)
    case .async:
      let ended = CopyEnded()
      try client.start(zeroing: regions) { ended.append($0) }
      return try ended.first()
    }
  }

  /// Whether these sectors of a device are zero, and all others as they were.
  private func expectZero(
    _ rig: Rig, _ index: Int, _ first: Int, _ count: Int,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    var wanted = Self.old
    for byte in first * sectorByteCount..<(first + count) * sectorByteCount { wanted[byte] = 0 }
    #expect(try isSame(rig.contents(index), wanted), sourceLocation: sourceLocation)
  }

  @Test("every form zeroes several places, to the sector", arguments: Bench.allCases)
  func everyForm(bench: Bench) async throws {
    let rig = try Rig(bench)
    let client = try zeroer(rig)
    let regions = [rig.region(0, 8, 200), rig.region(1, 0, 0), rig.region(2, 56, 200)]
    for form in ServiceTests.Form.allCases {
      for index in 0..<3 { try rig.fill(index, with: Self.old) }
      rig.seen.removeAll()
      let result = try await carryOut(form, client, regions)
      #expect(result.isSuccess && result.copiedCount == SectorCount(200))
      // By the devices alone, the whole at once.
      #expect(rig.seen.all.map(\.operation) == [.writeZeroes, .writeZeroes])
      try expectZero(rig, 0, 8, 200)
      try expectZero(rig, 1, 0, 0)
      try expectZero(rig, 2, 56, 200)
    }
  }

  @Test(
    "where a device cannot zero, zeroes are written there and nowhere else",
    arguments: Bench.allCases, [Errno.notSupported, .invalid])
  func byHand(bench: Bench, refusal: Errno) async throws {
    // Devices are known by where their regions start.
    let rig = try Rig(bench) { facts in
      facts.operation == .writeZeroes && facts.byteOffset > 0 ? .fail(refusal) : nil
    }
    let client = try zeroer(rig)
    let regions = [rig.region(0, 0, 104), rig.region(1, 8, 104), rig.region(2, 16, 104)]
    for form in ServiceTests.Form.allCases {
      for index in 0..<3 { try rig.fill(index, with: Self.old) }
      rig.seen.removeAll()
      let result = try await carryOut(form, client, regions)
      #expect(result.isSuccess && result.failures.isEmpty)
      #expect(result.copiedCount == SectorCount(104))
      for index in 0..<3 { try expectZero(rig, index, index * 8, 104) }
      // Pieces of 16 sectors: seven for each of two.
      let writes = rig.seen.all.filter { $0.operation == .write }
      #expect(writes.count == 14 && !writes.contains { rig.index(of: $0.device) == 0 })
      #expect(!rig.seen.all.contains { $0.operation == .read })
    }
    #expect(client.usedPieceCount == 0)
  }

  @Test(
    "a device that fails is not written by hand, and the others go on", arguments: Bench.allCases)
  func failure(bench: Bench) throws {
    let rig = try Rig(bench) { facts in
      facts.operation == .writeZeroes && facts.byteOffset == 4096 ? .fail(.ioError) : nil
    }
    for index in 0..<3 { try rig.fill(index, with: Self.old) }
    rig.seen.removeAll()
    let result = try zeroer(rig).zero(
      [rig.region(0, 0, 104), rig.region(1, 8, 104), rig.region(2, 16, 104)])
    #expect(result.failures == [RegionFailure(regionIndex: 1, error: .ioError)])
    #expect(result.writeErrorBits == ErrorBits(index: 1) && result.readError == nil)
    #expect(result.copiedCount == SectorCount(0))
    #expect(rig.seen.all.allSatisfy { $0.operation == .writeZeroes })
    try expectZero(rig, 0, 0, 104)
    try expectZero(rig, 2, 16, 104)
  }

  @Test(
    "failures by hand have their own bits, and stop it unless ignored", arguments: Bench.allCases)
  func failureByHand(bench: Bench) throws {
    let rig = try Rig(bench) { facts in
      if facts.operation == .writeZeroes { return .fail(.notSupported) }
      // The third piece of the region that starts at sector 8.
      return facts.operation == .write && facts.byteOffset == 40 * 512 ? .fail(.noSpace) : nil
    }
    for ignoresErrors in [false, true] {
      for index in 0..<3 { try rig.fill(index, with: Self.old) }
      rig.seen.removeAll()
      let result = try zeroer(rig, pieceCount: 1).zero(
        [rig.region(0, 0, 0), rig.region(1, 8, 104), rig.region(2, 16, 104)],
        ignoresErrors: ignoresErrors)
      #expect(result.failures == [RegionFailure(regionIndex: 1, error: .noSpace)])
      #expect(result.writeErrorBits == ErrorBits(index: 1))
      #expect(result.copiedCount == SectorCount(32))
      #expect(
        rig.seen.all.filter { $0.operation == .write }.count == (ignoresErrors ? 14 : 6))
    }
  }

  @Test("one that fails hinders writing by hand, unless that is to be ignored")
  func failureAndInability() throws {
    let rig = try Rig(.memory) { facts in
      guard facts.operation == .writeZeroes else { return nil }
      return facts.byteOffset == 0 ? .fail(.ioError) : .fail(.notSupported)
    }
    for ignoresErrors in [false, true] {
      try rig.fill(1, with: Self.old)
      let result = try zeroer(rig).zero(
        [rig.region(0, 0, 16), rig.region(1, 8, 16)], ignoresErrors: ignoresErrors)
      #expect(result.writeErrorBits == ErrorBits(index: 0))
      #expect(result.copiedCount == SectorCount(0))
      try expectZero(rig, 1, 8, ignoresErrors ? 16 : 0)
    }
  }

  @Test("memory is bounded by hand, too, and the throttle is asked", arguments: Bench.allCases)
  func boundedMemory(bench: Bench) throws {
    let gate = Gate()
    let asked = ConditionLock(0)
    let rig = try Rig(bench, deviceCount: 1) { facts in
      facts.operation == .writeZeroes ? .fail(.notSupported) : .hold(gate)
    }
    let client = try zeroer(rig, pieceCount: 2) { count, goOn in
      asked.withLock { $0 += Int(count.rawValue) }
      goOn()
    }
    let ended = CopyEnded()
    for _ in 0..<3 { try client.start(zeroing: [rig.region(0, 0, 128)]) { ended.append($0) } }
    #expect(gate.waitForHeld(count: 2, atMostMilliseconds: 30_000))
    #expect(!gate.waitForHeld(count: 3, atMostMilliseconds: CompletionTests.grace))
    #expect(client.usedPieceCount == 2)
    gate.open()
    for result in try ended.wait(count: 3) { #expect(result.isSuccess) }
    // Once for the devices, and at least once for each piece.
    #expect(asked.withLock { $0 } >= 3 * 2 * 128)
  }

  @Test("what makes no sense is refused, and nothing to do is done at once")
  func refusals() throws {
    let rig = try Rig(.memory)
    let client = try zeroer(rig)
    #expect(throws: IORequestError.tooManyRegions(count: 65)) {
      try client.zero(Array(repeating: rig.region(1, 0, 16), count: 65))
    }
    #expect(throws: IORequestError.unequalCopy(regionIndex: 2)) {
      try client.zero([rig.region(0, 0, 0), rig.region(1, 0, 16), rig.region(2, 0, 8)])
    }
    for regions in [[], [rig.region(1, 9999, 0)]] {
      let result = try client.zero(regions)
      #expect(result.isSuccess && result.copiedCount == SectorCount(0))
    }
    #expect(rig.seen.count == 0)
    #expect(try client.zero(Array(repeating: rig.region(1, 0, 16), count: 64)).isSuccess)
  }
}
