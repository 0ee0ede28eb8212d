import BlockIO
import Testing

@testable import Mirror

private func range(_ first: UInt64, _ count: UInt64) -> SectorRange {
  SectorRange(first: Sector(first), count: SectorCount(count))
}

/// The state, in a class, because what is expected may not change a value.
@dynamicMemberLookup private final class Subject {
  private var health: MirrorHealth

  init(legs: Int = 2) {
    health = MirrorHealth(legCount: legs, sectorCount: SectorCount(1000))
  }

  subscript<Value>(dynamicMember path: WritableKeyPath<MirrorHealth, Value>) -> Value {
    get { health[keyPath: path] }
    set { health[keyPath: path] = newValue }
  }

  var letters: String { String(health.legs.map(\.letter.letter)) }
  var state: MirrorState { health.state }
  var errorBits: LegBits { health.errorBits }

  @discardableResult func write(_ range: SectorRange, failing: [Int: Errno] = [:]) -> Int {
    health.finishWrite(
      range, failures: failing.map { LegFailure(leg: $0.key, error: $0.value) }, isWritten: true)
  }

  /// Whether everything is still on a leg.
  @discardableResult func failFlush(_ legs: LegBits, unflushed: SectorRange = range(0, 0)) -> Bool {
    health.noteFlushFailure(legs, unflushed: RangeSet(unflushed))
  }

  func rescue(_ range: SectorRange, failed: LegBits) -> Bool {
    health.prepareRescue(of: range, failed: failed, quorum: 1)
  }

  func finishRead(_ range: SectorRange, leg: Int) -> Bool { health.finishRead(range, leg: leg) }
  func beginFlush() { health.beginFlush() }
  func endFlush(failed: LegBits = []) { health.endFlush(failed: failed) }
  func clearErrors() { health.clearErrors() }
  func inSyncLegs(_ range: SectorRange) -> LegBits { health.inSyncLegs(range) }
  func segments(_ range: SectorRange) -> [(range: SectorRange, inSync: LegBits)] {
    health.segments(of: range)
  }
}

/// The state alone: no I/O, no threads.
@Suite("What the mirror knows of its legs (M4, M5, M18)")
struct HealthTests {
  @Test("M18: a letter for each failure, and the most severe wins")
  func severity() {
    let health = Subject(legs: 3)
    #expect(health.letters == "AAA")
    health.legs[0].unreadable.insert(range(0, 1))
    #expect(health.letters == "RAA")
    health.write(range(0, 8), failing: [1: .noSpace])
    #expect(health.letters == "ANA")
    health.write(range(8, 8), failing: [1: .ioError, 2: .quota])
    #expect(health.letters == "ADN")
    health.failFlush(LegBits(index: 1), unflushed: range(16, 8))
    #expect(health.letters == "AFN")
    health.legs[2].causes = []
    #expect(health.letters == "AFS")
    #expect(health.errorBits == LegBits(rawValue: 0b110))
    #expect(LegLetter.allCases.sorted().map(\.letter) == ["A", "R", "S", "N", "D", "F", "W", "O"])
  }

  @Test("M18: a leg that is stale and cannot be flushed, either, is flush-failed")
  func flushFailureOfStaleLeg() {
    let health = Subject()
    health.write(range(0, 8), failing: [1: .ioError])
    #expect(health.failFlush(LegBits(index: 1)))
    #expect(health.letters == "AF")
    #expect(health.failFlush(LegBits(index: 0)))
    #expect(health.letters == "AF")
  }

  @Test("M5: the last good leg is kept, and of the legs that are in sync the lowest")
  func keeper() {
    let health = Subject(legs: 3)
    health.write(range(0, 8), failing: [0: .ioError])
    #expect(health.write(range(4, 8), failing: [0: .ioError, 1: .ioError, 2: .noSpace]) == 0)
    #expect(health.inSyncLegs(range(0, 4)) == LegBits(rawValue: 0b110))
    #expect(health.inSyncLegs(range(4, 4)) == LegBits(rawValue: 0b010))
    #expect(health.inSyncLegs(range(8, 4)) == LegBits(rawValue: 0b001))
    #expect(health.state == .failed)
    // Another copy takes over as soon as a write reaches it and is flushed.
    #expect(health.write(range(4, 8), failing: [0: .ioError]) == 0)
    #expect(!health.rescue(range(4, 4), failed: []))
    #expect(health.write(range(4, 4)) == 1)
    health.beginFlush()
    health.endFlush()
    #expect(health.inSyncLegs(range(4, 4)) == LegBits(rawValue: 0b111))
  }

  @Test("M4: what was rewritten is in sync after a flush that succeeds there, not before")
  func rewriting() {
    let health = Subject()
    health.write(range(0, 8), failing: [1: .ioError])
    #expect(health.write(range(0, 8)) == 1)
    health.beginFlush()
    // A write that ends while the flush is under way belongs to the next.
    health.write(range(100, 8), failing: [1: .ioError])
    health.write(range(100, 8))
    health.endFlush(failed: LegBits(index: 0))
    #expect(health.legs[1].stale.ranges == [range(100, 8)])
    health.beginFlush()
    health.endFlush(failed: LegBits(index: 1))
    #expect(health.legs[1].stale.ranges == [range(100, 8)])
    health.beginFlush()
    health.endFlush()
    #expect(health.legs[1].stale.ranges == [range(100, 8)])
  }

  @Test("M4: a write that misses a leg while its flush is under way keeps it stale")
  func missedDuringFlush() {
    let health = Subject()
    health.write(range(0, 8), failing: [1: .ioError])
    health.write(range(0, 8))
    health.beginFlush()
    health.write(range(2, 2), failing: [1: .ioError])
    health.endFlush()
    #expect(health.legs[1].stale.ranges == [range(2, 2)])
  }

  @Test("M4: a leg that took what the keeper missed does not look good after a flush under way")
  func keeperMissesDuringFlush() {
    let health = Subject()
    health.write(range(0, 8), failing: [1: .ioError])
    health.write(range(0, 8))
    health.beginFlush()
    #expect(health.write(range(0, 8), failing: [0: .ioError]) == 0)
    health.endFlush()
    #expect(health.inSyncLegs(range(0, 8)) == LegBits(index: 0))
  }

  @Test("M8: a write that needs no rescue, or has no rescuer, asks for no flush")
  func rescue() {
    let health = Subject(legs: 3)
    #expect(!health.rescue(range(0, 8), failed: LegBits(rawValue: 0b011)))
    #expect(!health.rescue(range(0, 8), failed: LegBits(rawValue: 0b111)))
    health.write(range(0, 8), failing: [2: .ioError])
    #expect(!health.rescue(range(0, 8), failed: LegBits(rawValue: 0b001)))
    #expect(health.rescue(range(0, 8), failed: LegBits(rawValue: 0b011)))
    health.beginFlush()
    health.endFlush(failed: LegBits(rawValue: 0b011))
    #expect(health.inSyncLegs(range(0, 8)) == LegBits(rawValue: 0b111))
  }

  @Test("A read that no leg could serve is a failure until one can, or until it is cleared")
  func unserved() {
    let health = Subject()
    health.unserved.insert(range(10, 1))
    #expect(health.state == .failed)
    #expect(health.finishRead(range(8, 8), leg: 0))
    #expect(health.state == .inSync)
    health.unserved.insert(range(10, 1))
    health.write(range(10, 1))
    #expect(health.state == .inSync)
    health.write(range(0, 8), failing: [1: .ioError])
    #expect(!health.finishRead(range(4, 8), leg: 1))
  }

  @Test("Clearing errors keeps what legs miss, and nothing else")
  func clearing() {
    let health = Subject()
    health.write(range(0, 8), failing: [1: .ioError])
    health.write(range(20, 8), failing: [0: .ioError, 1: .ioError])
    health.legs[0].unreadable.insert(range(40, 8))
    health.unserved.insert(range(41, 1))
    health.legs[0].noteError(.ioError, .read, range(41, 1), time: 1)
    health.errorBitsSeen = LegBits(rawValue: 0b11)
    health.errorBitsLast = LegBits(rawValue: 0b01)
    health.clearErrors()
    #expect(health.letters == "AD")
    #expect(health.state == .degraded)
    #expect(health.legs[0].counters == LegCounters())
    #expect(health.legs[0].lastError == nil)
    #expect(health.errorBitsSeen == LegBits(rawValue: 0b10))
    #expect(health.errorBitsLast == [])
    #expect(health.legs[1].stale.ranges == [range(0, 8), range(20, 8)])
  }

  @Test("Segments are cut where the set of in-sync legs changes, and cover the range")
  func segments() {
    let health = Subject(legs: 3)
    health.write(range(10, 10), failing: [0: .ioError])
    health.write(range(15, 10), failing: [1: .ioError])
    let found = health.segments(range(5, 30))
    #expect(found.map(\.range.description) == ["5+5", "10+5", "15+5", "20+5", "25+10"])
    #expect(found.map(\.inSync.rawValue) == [0b111, 0b110, 0b100, 0b101, 0b111])
  }
}
