import BlockIO
import BlockIOFaults
import DMIO
import Glibc
import Testing

/// One source, many destinations: the kernel's kcopyd.
@Suite("Copying", .endsInTime)
struct CopyTests {
  /// Pieces of 16 sectors, so that a device has many of them.
  private static let pieceByteCount = 8192

  private func copier(
    _ rig: Rig, pieceCount: Int = 3, throttle: CopyClient.Throttle? = nil
  ) throws -> CopyClient {
    try CopyClient(
      backend: rig.client.backend, pieceByteCount: Self.pieceByteCount, pieceCount: pieceCount,
      throttle: throttle)
  }

  @Test("every form copies to several places, to the sector", arguments: Bench.allCases)
  func everyForm(bench: Bench) async throws {
    let rig = try Rig(bench, deviceCount: 4)
    let bytes = pattern(sectors: Rig.sectorCount)
    try rig.fill(0, with: bytes)
    let copier = try copier(rig)
    let source = rig.region(0, 8, 200)
    let targets = [rig.region(1, 0, 200), rig.region(2, 0, 0), rig.region(3, 56, 200)]
    for form in ServiceTests.Form.allCases {
      for index in [1, 3] { try rig.fill(index, with: pattern(sectors: Rig.sectorCount, seed: 9)) }
      let result: CopyResult
      switch form {
      case .sync: result = try copier.copy(from: source, to: targets)
      case .awaited: result = try await copier.run(from: source, to: targets)
      case .async:
        let ended = CopyEnded()
        try copier.start(from: source, to: targets) { ended.append($0) }
        result = try ended.first()
      }
      #expect(result.isSuccess)
      #expect(result.copiedCount == SectorCount(200))
      let copied = Array(bytes[4096..<4096 + 200 * sectorByteCount])
      #expect(try isSame(rig.bytes(1, 0, 200), copied))
      #expect(try isSame(rig.bytes(3, 56, 200), copied))
      #expect(
        try isSame(
          rig.bytes(1, 200, 56), Array(pattern(sectors: Rig.sectorCount, seed: 9)[102_400...])))
    }
    #expect(copier.usedPieceCount == 0)
  }

  @Test("memory is bounded, and jobs share it", arguments: Bench.allCases)
  func boundedMemory(bench: Bench) throws {
    let gate = Gate()
    let rig = try Rig(bench, deviceCount: 2) { $0.operation == .read ? .hold(gate) : nil }
    let copier = try copier(rig, pieceCount: 2)
    let ended = CopyEnded()
    for _ in 0..<5 {
      try copier.start(from: rig.region(0, 0, 128), to: [rig.region(1, 0, 128)]) {
        ended.append($0)
      }
    }
    #expect(gate.waitForHeld(count: 2, atMostMilliseconds: 30_000))
    #expect(!gate.waitForHeld(count: 3, atMostMilliseconds: CompletionTests.grace))
    #expect(copier.usedPieceCount == 2)
    gate.open()
    for result in try ended.wait(count: 5) { #expect(result.isSuccess) }
    #expect(rig.seen.all.filter { $0.operation == .read }.count == 5 * 8)
  }

  @Test("read and write errors are kept apart", arguments: Bench.allCases)
  func errorsApart(bench: Bench) throws {
    for isRead in [true, false] {
      let rig = try Rig(bench, deviceCount: 3) { facts in
        guard facts.byteOffset == 4 * 8192 else { return nil }
        if isRead { return facts.operation == .read ? .fail(.noData) : nil }
        return facts.operation == .write ? .fail(.noSpace) : nil
      }
      let copier = try copier(rig)
      // The failing place is the source's fifth piece, and the second target's first.
      let targets = [rig.region(1, 0, 128), rig.region(2, 64, 128)]
      let result = try copier.copy(from: rig.region(0, 0, 128), to: targets, ignoresErrors: true)
      #expect(!result.isSuccess)
      if isRead {
        #expect(result.readError == .noData)
        #expect(result.writeErrorBits.isEmpty)
        #expect(result.copiedCount == SectorCount(64))
        #expect(rig.seen.all.filter { $0.operation == .write }.count == 7 * 2)
      } else {
        #expect(result.readError == nil)
        #expect(result.writeErrorBits == ErrorBits(rawValue: 0b11))
        #expect(result.failures.map(\.error) == [.noSpace, .noSpace])
        #expect(result.copiedCount == SectorCount(0))
      }
    }
  }

  @Test(
    "a destination that fails keeps nothing from the others, whichever it is",
    arguments: Bench.allCases, 0..<3)
  func othersGoOn(bench: Bench, failing: Int) throws {
    // The second piece of this destination fails.
    let bad = ConditionLock<CInt?>(nil)
    let rig = try Rig(bench, deviceCount: 4) { facts in
      guard facts.device.descriptor == bad.withLock({ $0 }) else { return nil }
      return facts.byteOffset == (16 + UInt64(failing) * 8) * 512 ? .fail(.noSpace) : nil
    }
    let bytes = pattern(sectors: Rig.sectorCount)
    try rig.fill(3, with: bytes)
    bad.withLock { $0 = rig.devices[failing].descriptor }
    let targets = (0..<3).map { rig.region($0, UInt64($0) * 8, 104) }
    let result = try copier(rig, pieceCount: 1).copy(
      from: rig.region(3, 0, 104), to: targets, ignoresErrors: true)
    #expect(result.writeErrorBits == ErrorBits(index: failing))
    #expect(result.failures == [RegionFailure(regionIndex: failing, error: .noSpace)])
    #expect(result.readError == nil && result.copiedCount == SectorCount(16))
    for index in 0..<3 {
      let copied = try rig.bytes(index, index * 8, 104)
      if index != failing {
        #expect(isSame(copied, Array(bytes[..<(104 * 512)])))
      } else {
        // Only the piece that failed is missing there.
        #expect(isSame(Array(copied[..<8192]), Array(bytes[..<8192])))
        #expect(isSame(Array(copied[16384...]), Array(bytes[16384..<(104 * 512)])))
      }
    }
  }

  @Test("what could not be read is not written", arguments: Bench.allCases)
  func unreadIsUnwritten(bench: Bench) throws {
    let rig = try Rig(bench, deviceCount: 2) { facts in
      facts.operation == .read && facts.byteOffset == 2 * 8192
        ? .fail(.ioError, afterByteCount: 4096) : nil
    }
    let old = pattern(sectors: Rig.sectorCount, seed: 3)
    let new = pattern(sectors: Rig.sectorCount, seed: 4)
    try rig.fill(1, with: old)
    try rig.fill(0, with: new)
    let whole = UInt64(Rig.sectorCount)
    let result = try copier(rig).copy(
      from: rig.region(0, 0, whole), to: [rig.region(1, 0, whole)], ignoresErrors: true)
    #expect(result.readError == .ioError)
    #expect(try isSame(rig.bytes(1, 32, 16), Array(old[32 * 512..<48 * 512])))
    #expect(try isSame(rig.bytes(1, 0, 32), Array(new[..<(32 * 512)])))
    #expect(try isSame(rig.bytes(1, 48, 208), Array(new[(48 * 512)...])))
  }

  @Test("a copy stops at a failure unless it is told not to", arguments: Bench.allCases)
  func stopsAtFailure(bench: Bench) throws {
    let rig = try Rig(bench, deviceCount: 2) { $0.byteOffset == 8192 ? .fail(.ioError) : nil }
    let result = try copier(rig, pieceCount: 1).copy(
      from: rig.region(0, 0, 256), to: [rig.region(1, 0, 256)])
    #expect(result.readError == .ioError)
    #expect(result.copiedCount == SectorCount(16))
    #expect(rig.seen.count == 3)
  }

  @Test("each piece waits for the throttle", arguments: Bench.allCases)
  func throttled(bench: Bench) throws {
    let rig = try Rig(bench, deviceCount: 2)
    let asked = ConditionLock<[@Sendable () -> Void]>([])
    let copier = try copier(rig, pieceCount: 2) { count, goOn in
      #expect(count == SectorCount(16))
      asked.withLock { $0.append(goOn) }
      asked.wakeAll()
    }
    let ended = CopyEnded()
    try copier.start(from: rig.region(0, 0, 64), to: [rig.region(1, 0, 64)]) { ended.append($0) }
    for piece in 0..<4 {
      #expect(rig.seen.count == piece * 2)
      let goOn = asked.wait(atMostMilliseconds: 30_000) { $0.isEmpty ? nil : $0.removeFirst() }
      goOn?()
      for _ in 0..<30_000 where rig.seen.count < piece * 2 + 2 { usleep(1000) }
    }
    // Two pieces are under way at once, so that more is asked for than there is.
    while let goOn = asked.withLock({ $0.popLast() }) { goOn() }
    #expect(try ended.first().isSuccess)
  }

  @Test("what makes no sense is refused, and nothing to do is done at once")
  func refusals() throws {
    let rig = try Rig(.memory)
    let copier = try copier(rig)
    let source = rig.region(0, 0, 16)
    #expect(throws: IORequestError.tooManyRegions(count: 65)) {
      try copier.copy(from: source, to: Array(repeating: rig.region(1, 0, 16), count: 65))
    }
    #expect(throws: IORequestError.unequalCopy(regionIndex: 1)) {
      try copier.copy(from: source, to: [rig.region(1, 0, 16), rig.region(2, 0, 8)])
    }
    for (source, targets) in [
      (source, []), (source, [rig.region(1, 0, 0)]), (rig.region(0, 0, 0), [rig.region(1, 0, 0)]),
    ] {
      let result = try copier.copy(from: source, to: targets)
      #expect(result.isSuccess)
      #expect(result.copiedCount == source.sectors.count)
    }
    #expect(rig.seen.count == 0)
    #expect(
      try copier.copy(from: source, to: Array(repeating: rig.region(1, 0, 16), count: 64)).isSuccess
    )
  }
}

/// The ends of copies, and a wait for them.
final class CopyEnded: Sendable {
  private let results = ConditionLock<[CopyResult]>([])

  func append(_ result: CopyResult) {
    results.withLock { $0.append(result) }
    results.wakeAll()
  }

  func first() throws -> CopyResult { try wait(count: 1)[0] }

  func wait(count: Int) throws -> [CopyResult] {
    let arrived = results.wait(atMostMilliseconds: 30_000) { $0.count >= count ? $0 : nil }
    return try #require(arrived, "\(count) copies in time")
  }
}
