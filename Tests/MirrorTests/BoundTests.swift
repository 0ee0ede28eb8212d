import BlockIO
import Testing

@testable import Mirror

private func range(_ first: UInt64, _ count: UInt64) -> SectorRange {
  SectorRange(first: Sector(first), count: SectorCount(count))
}

/// What becomes of thousands of scattered ranges.
@Suite("Past the bound of exact ranges (M4, M5, M6)")
struct BoundTests {
  private static let sectorCount: UInt64 = 1 << 40
  /// More than the first merge can join.
  private static let spacing: UInt64 = 20_000
  private static let count: UInt64 = 5000

  private func write(_ health: inout MirrorHealth, _ range: SectorRange, failing: [Int]) -> Int {
    health.finishWrite(
      range, failures: failing.map { LegFailure(leg: $0, error: .ioError) }, isWritten: true)
  }

  @Test("M4: of a large stale range only what was rewritten becomes in sync, past the bound, too")
  func rewritingMuch() {
    var health = MirrorHealth(legCount: 2, sectorCount: SectorCount(Self.sectorCount))
    _ = write(&health, range(0, Self.sectorCount), failing: [1])
    for index in 0..<Self.count {
      _ = write(&health, range(index * Self.spacing, 8), failing: [])
    }
    health.beginFlush()
    health.endFlush(failed: [])
    let gaps = (0..<Self.count).map { range($0 * Self.spacing + 8, Self.spacing - 8) }
    let stale = health.legs[1].stale
    #expect(gaps.count { !stale.contains($0) } == 0)
    #expect(health.legs[1].stale.sectorCount < SectorCount(Self.sectorCount))
  }

  @Test("M5: merging a leg's stale ranges leaves the last good copies alone")
  func mergingAroundLastGoodCopies() {
    var health = MirrorHealth(legCount: 2, sectorCount: SectorCount(Self.sectorCount))
    let bound = UInt64(RangeSet.usualBound)
    let chunk = RangeSet.firstChunk.rawValue
    // One last good copy of leg 1 in nearly every chunk; leg 0 has no reason to merge yet.
    let copies = (0..<bound - 4).map { range($0 * chunk + 4000, 8) }
    for copy in copies { _ = write(&health, copy, failing: [0]) }
    let missed = (0..<bound + 2).map { range($0 * chunk, 8) }
    for one in missed { _ = write(&health, one, failing: [1]) }
    let stale = health.legs[1].stale
    #expect(missed.allSatisfy { stale.contains($0) })
    #expect(copies.filter { health.inSyncLegs($0).isEmpty }.isEmpty)
    #expect(missed.filter { health.inSyncLegs($0).isEmpty }.isEmpty)
  }

  @Test("M5: a merge that joins one pair only leaves the last good copies alone, too")
  func mergingOnePair() {
    var health = MirrorHealth(legCount: 2, sectorCount: SectorCount(Self.sectorCount))
    let chunk = RangeSet.firstChunk.rawValue
    _ = write(&health, range(100 * chunk + 16, 8), failing: [0])
    for index in 0..<UInt64(RangeSet.usualBound) {
      _ = write(&health, range(index * chunk * 2, 8), failing: [1])
    }
    _ = write(&health, range(64, 8), failing: [1])
    #expect(!health.inSyncLegs(range(100 * chunk + 16, 8)).isEmpty)
  }

  @Test("M6: what may be forgotten never grows, and keeps to its bound")
  func forgetting() {
    var random = SeededRandom(seed: 7)
    for _ in 0..<20 {
      var set = RangeSet(bound: 8, overflow: .forget)
      var flags = [Bool](repeating: false, count: 300)
      for _ in 0..<200 {
        let first = Int.random(in: 0..<300, using: &random)
        let end = min(300, first + Int.random(in: 0..<12, using: &random))
        let isInsert = Int.random(in: 0..<3, using: &random) > 0
        let changed = SectorRange(Sector(UInt64(first)), upTo: Sector(UInt64(end)))
        if isInsert { set.insert(changed) } else { set.remove(changed) }
        for index in first..<end { flags[index] = isInsert }
        #expect(set.ranges.count <= 8)
        for part in set.ranges {
          #expect(flags[Int(part.first.rawValue)..<Int(part.end.rawValue)].allSatisfy { $0 })
        }
      }
    }
  }

  @Test("M6: what was put in last is never what is forgotten")
  func newest() {
    var set = RangeSet(bound: 8, overflow: .forget)
    for index: UInt64 in 0..<50 {
      set.insert(range(index * 10, 3))
      #expect(set.contains(range(index * 10, 3)))
    }
  }

  @Test("M6: taking one set out of another is exact, as removing its ranges one by one")
  func subtracting() {
    var random = SeededRandom(seed: 8)
    for _ in 0..<200 {
      var (one, other) = (RangeSet(), RangeSet())
      for _ in 0..<Int.random(in: 0..<20, using: &random) {
        one.insert(range(.random(in: 0..<200, using: &random), .random(in: 0..<20, using: &random)))
        other.insert(
          range(.random(in: 0..<200, using: &random), .random(in: 0..<9, using: &random)))
      }
      var slow = one
      for part in other.ranges { slow.remove(part) }
      one.subtract(other)
      #expect(one.ranges == slow.ranges)
    }
  }

  @Test("The cost of a write on a degraded mirror depends on its own ranges, not on all of them")
  func cost() {
    func time(staleCount: UInt64) -> Duration {
      var health = MirrorHealth(legCount: 3, sectorCount: SectorCount(Self.sectorCount))
      for index in 0..<staleCount {
        _ = write(&health, range(index * Self.spacing, 8), failing: [1 + Int(index % 2)])
      }
      return ContinuousClock().measure {
        for index: UInt64 in 0..<2000 {
          let place = range(index % staleCount * Self.spacing, 64)
          _ = write(&health, place, failing: [])
          _ = health.segments(of: place)
        }
      }
    }
    let few = time(staleCount: 64)
    let many = time(staleCount: 8000)
    #expect(many < few * 8 + .milliseconds(50), "\(few) with 64 stale ranges, \(many) with 8000")
  }
}
