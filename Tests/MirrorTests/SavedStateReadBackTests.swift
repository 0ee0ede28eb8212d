import BlockIO
import Testing

@testable import Mirror

@Suite("The state file: what is written is always read again, what is not ours never traps (M4)")
struct SavedStateReadBackTests {
  private static let sectorCount: UInt64 = 1_000_003

  private static func ranges(_ random: inout SeededRandom, upTo most: Int = 6) -> [SectorRange] {
    var ranges: [SectorRange] = []
    var next: UInt64 = 0
    for _ in 0..<Int.random(in: 0...most, using: &random) {
      let first = next + .random(in: 0...5000, using: &random)
      let count = UInt64.random(in: 1...5000, using: &random)
      guard first + count <= sectorCount else { break }
      ranges.append(SectorRange(first: Sector(first), count: SectorCount(count)))
      next = first + count
    }
    return ranges
  }

  private static func text(_ random: inout SeededRandom) -> String {
    let letters = Array("ab/ .-_äß漢🪞\u{0}\n\"")
    let count = Int.random(in: 0...30, using: &random)
    return String((0..<count).map { _ in letters.randomElement(using: &random) ?? "a" })
  }

  private static func leg(_ random: inout SeededRandom) -> SavedLeg {
    let identity = LegIdentity(
      path: text(&random), isBlockDevice: .random(using: &random), capacity: random.next(),
      firstSector: random.next(), inode: random.next(),
      modifiedSeconds: Int64(bitPattern: random.next()),
      modifiedNanoseconds: UInt32(truncatingIfNeeded: random.next()))
    var counters = LegCounters()
    counters.read = .random(in: 0 ... .max, using: &random)
    counters.write = .random(in: 0 ... .max, using: &random)
    counters.flush = .random(in: 0...9, using: &random)
    counters.corrected = .random(in: 0...9, using: &random)
    let first = UInt64.random(in: 0...sectorCount, using: &random)
    let error = LegError(
      error: Errno(.random(in: .min ... .max, using: &random)),
      operation: Operation.allCases.randomElement(using: &random) ?? .read,
      sectors: SectorRange(
        first: Sector(first),
        count: SectorCount(.random(in: 0...(sectorCount - first), using: &random))),
      time: .random(in: .min ... .max, using: &random))
    return SavedLeg(
      identity: identity, isOut: .random(using: &random), isHeld: .random(using: &random),
      causes: LegRecord.Causes(rawValue: .random(in: 0...7, using: &random)), counters: counters,
      lastError: .random(using: &random) ? error : nil, stale: ranges(&random),
      unwritten: ranges(&random), unreadable: ranges(&random))
  }

  private static func state(_ random: inout SeededRandom, mostLegs: Int = 64) -> SavedState {
    let legCount = Int.random(in: 1...mostLegs, using: &random)
    let first = UInt64.random(in: 0..<sectorCount, using: &random)
    let end = UInt64.random(in: first + 1...sectorCount, using: &random)
    let scrub = SavedScrub(
      firstSector: first, endSector: end, position: .random(in: first..<end, using: &random),
      isRepair: .random(using: &random),
      source: .random(using: &random) ? .random(in: 0..<legCount, using: &random) : nil)
    return SavedState(
      volume: text(&random), sectorCount: sectorCount, generation: random.next(),
      isClean: .random(using: &random), errorBitsSeen: LegBits(rawValue: random.next()),
      errorBitsLast: LegBits(rawValue: random.next()), unverified: ranges(&random),
      disputed: ranges(&random), unserved: ranges(&random),
      scrub: .random(using: &random) ? scrub : nil, legs: (0..<legCount).map { _ in leg(&random) })
  }

  @Test("What was written is what is read, whatever it is")
  func roundTrip() throws {
    var random = SeededRandom(seed: 1)
    for _ in 0..<300 {
      let state = Self.state(&random)
      #expect(try SavedState(decoding: state.encode()) == state)
    }
  }

  /// Puts the right checksums back into a file of which bytes were changed, as far as its lengths
  /// still lead anywhere.
  private static func reseal(_ file: [UInt8]) -> [UInt8] {
    func little(_ number: UInt32) -> [UInt8] {
      (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
    func number(_ bytes: ArraySlice<UInt8>) -> Int {
      bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
    }
    var bytes = file
    bytes.replaceSubrange(32..<36, with: little(CRC32C.checksum(bytes[..<32])))
    let seed = CRC32C.checksum(bytes[24..<32])
    var place = 36
    while place + 12 <= bytes.count {
      let end = place + 8 + number(bytes[place + 4..<place + 8])
      guard end + 4 <= bytes.count else { break }
      let sum = CRC32C.checksum(bytes[place..<end], seed: seed)
      bytes.replaceSubrange(end..<end + 4, with: little(sum))
      place = end + 4
    }
    return bytes
  }

  @Test("Damage under the right checksums never traps; what is believed is written the same again")
  func damageUnderChecksums() {
    var random = SeededRandom(seed: 2)
    let telling: [UInt8] = [0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF]
    var believedCount = 0
    for _ in 0..<10_000 {
      var bytes = Self.state(&random, mostLegs: 2).encode()
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let first = Int.random(in: 12..<bytes.count, using: &random)
        let count = [1, 1, 2, 4, 8, 16].randomElement(using: &random) ?? 1
        let value = telling.randomElement(using: &random) ?? 0
        for place in first..<min(bytes.count, first + count) {
          bytes[place] = .random(using: &random) ? value : .random(in: 0...255, using: &random)
        }
      }
      bytes = Self.reseal(bytes)
      guard let state = try? SavedState(decoding: bytes) else { continue }
      believedCount += 1
      #expect(state.encode() == bytes)
    }
    // Else nothing was looked at behind the checksums.
    #expect(believedCount > 100)
  }

  @Test("Garbage is refused and never traps")
  func garbage() {
    var random = SeededRandom(seed: 3)
    for _ in 0..<10_000 {
      let count = Int.random(in: 0...300, using: &random)
      let noise = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      #expect(throws: StateDamage.self) { try SavedState(decoding: noise) }
      let start = SavedState.magic + [1, 0, 0, 0, 2, 0, 0, 0]
      #expect(throws: StateDamage.self) { try SavedState(decoding: Self.padded(start + noise)) }
    }
  }

  /// A header with the right length and checksum over whatever follows.
  private static func padded(_ file: [UInt8]) -> [UInt8] {
    var bytes = file + [UInt8](repeating: 0, count: max(0, 36 - file.count))
    let length = UInt64(bytes.count)
    bytes.replaceSubrange(
      16..<24, with: (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) })
    return reseal(bytes)
  }

  @Test("A flipped bit in a smallest state is noticed")
  func flippedBits() {
    var random = SeededRandom(seed: 4)
    var state = Self.state(&random, mostLegs: 1)
    state.legs[0].stale = []
    state.unverified = []
    let bytes = state.encode()
    for bit in 0..<bytes.count * 8 {
      var damaged = bytes
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: StateDamage.self, "bit \(bit)") { try SavedState(decoding: damaged) }
    }
  }

  @Test("Ranges that were merged into chunks stay in the volume, and are read again (M6)")
  func mergedRanges() throws {
    var random = SeededRandom(seed: 5)
    var stale = RangeSet(bound: 64)
    for sector in stride(from: Self.sectorCount - 1, to: Self.sectorCount - 400, by: -2) {
      stale.insert(SectorRange(first: Sector(sector), count: SectorCount(1)))
    }
    var state = Self.state(&random)
    state.legs[0].stale = stale.ranges
    #expect(try SavedState(decoding: state.encode()) == state)
  }

  @Test("More ranges than a state holds are merged, not forgotten")
  func tooManyRanges() throws {
    var random = SeededRandom(seed: 6)
    var state = Self.state(&random, mostLegs: 1)
    let exact = (0...UInt64(SavedState.mostRanges)).map {
      SectorRange(first: Sector($0 * 8), count: SectorCount(1))
    }
    state.sectorCount = exact[exact.count - 1].end.rawValue
    state.legs[0].stale = exact
    let read = try SavedState(decoding: state.encode()).legs[0].stale
    #expect(read.count <= SavedState.mostRangesWritten)
    var index = 0
    for range in exact {
      while index < read.count - 1, read[index].end <= range.first { index += 1 }
      guard read[index].contains(range) else {
        Issue.record("\(range) is forgotten")
        return
      }
    }
  }

  @Test("A cause of trouble that this version does not know is refused")
  func unknownCause() {
    var random = SeededRandom(seed: 8)
    var state = Self.state(&random)
    state.legs[0].causes = LegRecord.Causes(rawValue: 8)
    #expect(throws: StateDamage.contents("a cause that there is none of")) {
      try SavedState(decoding: state.encode())
    }
  }

  @Test("A scrub that has just reached its end is none, and spoils nothing")
  func endedScrub() throws {
    var random = SeededRandom(seed: 7)
    var state = Self.state(&random)
    state.scrub = SavedScrub(
      firstSector: 0, endSector: 100, position: 100, isRepair: true, source: nil)
    let read = try SavedState(decoding: state.encode())
    state.scrub = nil
    #expect(read == state)
  }
}
