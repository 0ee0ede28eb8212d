import BlockIO
import Testing

@testable import Mirror

@Suite("The state file: whole or not at all (M4, M17)")
struct SavedStateTests {
  private static func range(_ first: UInt64, _ count: UInt64) -> SectorRange {
    SectorRange(first: Sector(first), count: SectorCount(count))
  }

  /// A state with something in every field.
  private static func sample(legCount: Int = 2) -> SavedState {
    let leg = SavedLeg(
      identity: LegIdentity(
        path: "/srv/ä leg", isBlockDevice: false, capacity: 4096, firstSector: 8, inode: 77,
        modifiedSeconds: -5, modifiedNanoseconds: 999_999_999),
      standsFor: "/dev/old", isReplacing: true, isOut: true, isHeld: false,
      causes: [.noSpace, .flushFailed],
      counters: LegCounters(read: 1, write: 2, flush: 3, corrected: 4),
      lastError: LegError(
        error: .noSpace, operation: .writeZeroes, sectors: range(9, 3), time: 1_700_000_000),
      stale: [range(0, 8), range(100, 1)], unwritten: [range(50, 2)], unreadable: [])
    return SavedState(
      volume: "db.img", sectorCount: 4096, generation: 12, isClean: false,
      errorBitsSeen: LegBits(rawValue: 3), errorBitsLast: LegBits(rawValue: 2),
      unverified: [range(10, 10)], disputed: [range(40, 1), range(42, 1)], unserved: [],
      scrub: SavedScrub(
        firstSector: 0, endSector: 4096, position: 17, isRepair: true, source: 1),
      legs: Array(repeating: leg, count: legCount))
  }

  @Test("What was written is what is read")
  func roundTrip() throws {
    for count in [1, 2, 64] {
      var state = Self.sample(legCount: count)
      if count == 1 { state.scrub?.source = nil }
      #expect(try SavedState(decoding: state.encode()) == state)
    }
  }

  @Test("A single flipped bit, anywhere, is noticed")
  func flippedBits() {
    let bytes = Self.sample().encode()
    for bit in 0..<bytes.count * 8 {
      var damaged = bytes
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: StateDamage.self, "bit \(bit)") { try SavedState(decoding: damaged) }
    }
  }

  @Test("A file that was cut off, or has more behind it, is noticed")
  func lengths() {
    let bytes = Self.sample().encode()
    for count in 0..<bytes.count {
      #expect(throws: StateDamage.self) { try SavedState(decoding: Array(bytes[..<count])) }
    }
    #expect(throws: StateDamage.self) { try SavedState(decoding: bytes + [0]) }
  }

  @Test("A record of an older file is not taken for one of this")
  func olderRecords() {
    let new = Self.sample()
    var old = new
    old.generation -= 1
    let (newBytes, oldBytes) = (new.encode(), old.encode())
    let header = SavedState.headerByteCount
    let mixed = Array(newBytes[..<header]) + Array(oldBytes[header...])
    #expect(throws: StateDamage.self) { try SavedState(decoding: mixed) }
  }

  @Test("Contents that make no sense never trap, even with the right checksums")
  func nonsense() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      var state = Self.sample()
      let huge = [
        0, 1, 4095, 4096, 4097, UInt64.max, UInt64.max / 2, UInt64.random(in: 0 ... .max),
      ]
      func any() -> UInt64 { huge.randomElement(using: &random) ?? 0 }
      state.sectorCount = Bool.random() ? 4096 : any()
      state.legs[1].stale = [SectorRange(first: Sector(any()), count: SectorCount(any()))]
      state.scrub = SavedScrub(
        firstSector: any(), endSector: any(), position: any(), isRepair: false, source: 1)
      _ = try? SavedState(decoding: state.encode())
      let noise = (0..<Int.random(in: 0..<200)).map { _ in UInt8.random(in: 0...255) }
      #expect(throws: StateDamage.self) {
        try SavedState(decoding: SavedState.magic + noise)
      }
    }
  }

  @Test("Checksums are Castagnoli's")
  func checksums() {
    #expect(CRC32C.checksum("123456789".utf8) == 0xE306_9283)
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    let (head, tail) = ("12345".utf8, "6789".utf8)
    #expect(CRC32C.checksum(tail, seed: CRC32C.checksum(head)) == 0xE306_9283)
  }
}
