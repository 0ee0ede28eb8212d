import BlockIO
import DMIO
import Glibc
import Synchronization
import Testing

@testable import Mirror

/// Writers, a reader and a flusher at once on legs that fail and lose data, one excepted.
@Suite("Random faults under concurrency against a model of the contract (M1, M4, M7, M8)")
struct ConcurrentModelTests {
  /// Rounds; the campaign runs more with MIRRORFS_MODEL_ROUNDS=5000.
  private static var roundCount: Int {
    guard let text = unsafe getenv("MIRRORFS_MODEL_ROUNDS") else { return 60 }
    return unsafe Int(String(cString: text)) ?? 60
  }

  @Test(
    "While one leg is good, nobody notices that the others fail",
    arguments: [(ReadPolicy.primary, 2), (.roundRobin, 2), (.roundRobin, 3), (.leastPending, 3)])
  func oneGoodLeg(policy: ReadPolicy, legCount: Int) throws {
    for round in 0..<Self.roundCount / 4 {
      let seed = UInt64(round) &* 8 &+ UInt64(legCount)
      let run = ConcurrentRun(
        policy: policy, legCount: legCount, goodLeg: round % legCount, seed: seed)
      let problems = run.run()
      #expect(problems.isEmpty, "seed \(seed), \(policy): \(problems.prefix(3))")
      if !problems.isEmpty { return }
    }
  }
}

/// One run from a clean mirror. The numbers written to a sector only rise, so that a read that
/// returns less than what was there before is seen at once.
final class ConcurrentRun: @unchecked Sendable {
  // Sendable: written in init only; the mirror, the legs and the locks are safe on any thread.
  private static let areaSectorCount = 6
  private static let writerCount = 2
  private static let operationCount = 60

  private struct SectorState {
    /// The last number that was written, or is being written.
    var issued: UInt64 = 0
    /// No read that begins now may return less.
    var least: UInt64 = 0
  }

  private let legs: CachedLegs
  private let client: IOClient
  private let mirror: MirrorSet
  private let legCount: Int
  private let goodLeg: Int
  private let seed: UInt64
  private let sectors: ConditionLock<[SectorState]>
  private let problems = ConditionLock<[String]>([])
  private let isEnding = Atomic<Bool>(false)

  init(policy: ReadPolicy, legCount: Int, goodLeg: Int, seed: UInt64) {
    let count = Self.areaSectorCount * Self.writerCount
    legs = CachedLegs(legCount: legCount, sectorCount: count, seed: seed)
    client = IOClient(backend: legs, pages: 8)
    let whole = SectorRange(first: Sector(0), count: SectorCount(UInt64(count)))
    mirror = MirrorSet(
      legs: (0..<legCount).map { index in
        Leg(
          file: nil,
          region: Region(
            device: Device(descriptor: CInt(index), capacity: whole.count), sectors: whole),
          name: "leg\(index)")
      }, policy: MirrorPolicy(readPolicy: policy))
    (self.legCount, self.goodLeg, self.seed) = (legCount, goodLeg, seed)
    sectors = ConditionLock(Array(repeating: SectorState(), count: count))
  }

  func run() -> [String] {
    for leg in 0..<legCount where leg != goodLeg {
      legs.setFailing(Set(CachedLegs.Kind.allCases), leg: leg)
    }
    let flusher = IOThread(name: "flusher") { [self] in
      while !isEnding.load(ordering: .relaxed) { flush() }
    }
    let reader = IOThread(name: "reader") { [self] in
      var random = SeededRandom(seed: seed ^ 77)
      while !isEnding.load(ordering: .relaxed) { read(range(of: nil, &random)) }
    }
    let writers = (0..<Self.writerCount).map { number in
      IOThread(name: "writer") { [self] in
        var random = SeededRandom(seed: seed ^ UInt64(number))
        for _ in 0..<Self.operationCount { write(range(of: number, &random)) }
      }
    }
    for writer in writers { writer.join() }
    isEnding.store(true, ordering: .relaxed)
    flusher.join()
    reader.join()
    checkAfterFlush()
    heal()
    return problems.withLock { $0 }
  }

  private func range(of writer: Int?, _ random: inout SeededRandom) -> Range<Int> {
    let count = Self.areaSectorCount
    let area = writer.map { $0 * count..<($0 + 1) * count } ?? 0..<count * Self.writerCount
    let first = Int.random(in: area, using: &random)
    return first..<Int.random(in: first + 1...area.upperBound, using: &random)
  }

  private func note(_ problem: String) { problems.withLock { $0.append(problem) } }

  private func held(_ sectors: Range<Int>) -> SectorRange {
    SectorRange(Sector(UInt64(sectors.lowerBound)), upTo: Sector(UInt64(sectors.upperBound)))
  }

  private func write(_ range: Range<Int>) {
    let byteCount = range.count * sectorByteCount
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 4096)
    defer { unsafe memory.deallocate() }
    let numbers = sectors.withLock { sectors in
      range.map { sector in
        sectors[sector].issued += 1
        return sectors[sector].issued
      }
    }
    for (index, number) in numbers.enumerated() {
      unsafe memory.storeBytes(of: number, toByteOffset: index * sectorByteCount, as: UInt64.self)
    }
    let part = held(range)
    do {
      try client.withLane { (lane) throws(Errno) in
        try mirror.changing(part, on: lane) { (held) throws(Errno) in
          try unsafe held.write(part, from: memory)
        }
      }.get()
    } catch {
      note("the write \(range) failed: \(error)")
    }
    sectors.withLock { sectors in
      for (sector, number) in zip(range, numbers) {
        sectors[sector].least = max(sectors[sector].least, number)
      }
    }
  }

  private func read(_ range: Range<Int>) {
    let byteCount = range.count * sectorByteCount
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 4096)
    defer { unsafe memory.deallocate() }
    let before = sectors.withLock { $0 }
    let part = held(range)
    do {
      try client.withLane { (lane) throws(Errno) in
        try mirror.reading(part, on: lane) { (held) throws(Errno) in
          try unsafe held.read(part, into: memory)
        }
      }.get()
    } catch {
      return note("the read \(range) failed: \(error)")
    }
    let found = range.map { sector in
      unsafe memory.load(
        fromByteOffset: (sector - range.lowerBound) * sectorByteCount, as: UInt64.self)
    }
    sectors.withLock { sectors in
      for (sector, number) in zip(range, found) {
        if number < before[sector].least || number > sectors[sector].issued {
          note("sector \(sector) read as \(number), \(before[sector].least) was there before")
        }
        // Seen once, nothing older may come again.
        sectors[sector].least = max(sectors[sector].least, number)
      }
    }
  }

  /// The only caller of flushes, so that afterwards the mirror knows of every loss there was.
  private func flush() {
    do {
      try client.withLane { (lane) throws(Errno) in try mirror.flush(on: lane) }.get()
    } catch {
      note("a flush failed: \(error)")
    }
    legs.evict()
  }

  /// After a flush every leg holds what it is in sync for, and durably.
  private func checkAfterFlush() {
    flush()
    let wanted = sectors.withLock { $0.map(\.issued) }
    let status = mirror.status()
    for leg in 0..<legCount {
      let (current, durable) = (legs.current(leg: leg), legs.durable(leg: leg))
      for sector in wanted.indices {
        let one = held(sector..<sector + 1)
        if status.legs[leg].stale.contains(where: { $0.overlaps(one) }) { continue }
        if current[sector] != wanted[sector] || durable[sector] != wanted[sector] {
          note(
            "leg \(leg) is in sync for sector \(sector), which is \(wanted[sector]): it holds "
              + "\(current[sector]), and \(durable[sector]) durably")
        }
      }
    }
    if !status.legs[goodLeg].stale.isEmpty { note("the good leg is stale") }
  }

  private func heal() {
    for leg in 0..<legCount { legs.setFailing([], leg: leg) }
    write(0..<Self.areaSectorCount * Self.writerCount)
    flush()
    let status = mirror.status()
    if status.state != .inSync { note("not healed: \(status.letters)") }
  }
}
