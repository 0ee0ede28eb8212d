import BlockIO
import Testing

@testable import Mirror

@Suite("Sets of sectors (M6)")
struct RangeSetTests {
  @Test("M6: inserting and removing is exact, as a list of flags would be")
  func exact() {
    var random = SeededRandom(seed: 1)
    for _ in 0..<40 {
      var set = RangeSet()
      var flags = [Bool](repeating: false, count: 200)
      for _ in 0..<120 {
        let first = Int.random(in: 0..<200, using: &random)
        let end = Int.random(in: first...200, using: &random)
        let isInsert = Int.random(in: 0..<3, using: &random) > 0
        let range = SectorRange(Sector(UInt64(first)), upTo: Sector(UInt64(end)))
        if isInsert { set.insert(range) } else { set.remove(range) }
        for index in first..<end { flags[index] = isInsert }
        check(set, flags)
        #expect(set.overlaps(range) == (first..<end).contains { flags[$0] })
        #expect(set.contains(range) == (first..<end).allSatisfy { flags[$0] })
      }
    }
  }

  private func check(_ set: RangeSet, _ flags: [Bool]) {
    var found = [Bool](repeating: false, count: flags.count)
    var previousEnd: Sector?
    for range in set.ranges {
      #expect(!range.isEmpty)
      if let previousEnd { #expect(range.first > previousEnd) }
      previousEnd = range.end
      for index in range.first.rawValue..<range.end.rawValue { found[Int(index)] = true }
    }
    #expect(found == flags)
  }

  @Test("M6: past the bound ranges are merged, and none is forgotten")
  func bound() {
    var set = RangeSet(bound: 64)
    for index: UInt64 in 0..<10_000 {
      let range = SectorRange(first: Sector(index * 104_729), count: SectorCount(3))
      set.insert(range)
      #expect(set.contains(range))
      #expect(set.ranges.count <= 64)
    }
    for index: UInt64 in 0..<10_000 {
      let range = SectorRange(first: Sector(index * 104_729), count: SectorCount(3))
      #expect(set.contains(range))
    }
  }

  @Test("The parts of a range are what it shares with the set")
  func parts() {
    var set = RangeSet(SectorRange(first: Sector(10), count: SectorCount(10)))
    set.insert(SectorRange(first: Sector(30), count: SectorCount(10)))
    let parts = set.parts(of: SectorRange(Sector(15), upTo: Sector(32)))
    #expect(parts.map(\.description) == ["15+5", "30+2"])
    #expect(set.sectorCount == SectorCount(20))
  }
}
