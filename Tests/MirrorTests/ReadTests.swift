import BlockIO
import BlockIOFaults
import Testing

@testable import Mirror

@Suite("Reads (M1, M4)")
struct ReadTests {
  @Test("M1: a failing leg is passed over, and the caller notices nothing")
  func failover() throws {
    let rig = MirrorRig()
    try rig.write(0, 8, value: 7)
    rig.script.set { leg, facts in leg == 0 && facts.operation == .read ? .fail(.ioError) : nil }
    #expect(try rig.read(0, 8) == Array(repeating: 7, count: 8))
    #expect(rig.status.letters == "RA")
    #expect(rig.status.errorBits == LegBits(index: 0))
    #expect(rig.status.legs[0].counters.read == 1)
  }

  @Test("M1: sector 1000 bad on leg 0 and 2000 on leg 1 hide nothing, one by one or in one read")
  func badSectorsOnBoth() throws {
    let rig = MirrorRig()
    try rig.write(0, 4096, value: 3)
    rig.script.set { leg, facts in
      let bad = SectorRange(first: Sector(leg == 0 ? 1000 : 2000), count: SectorCount(1))
      return facts.operation == .read && facts.sectors.overlaps(bad) ? .fail(.ioError) : nil
    }
    for sector: UInt64 in [1000, 2000, 3000] { #expect(try rig.read(sector, 1) == [3]) }
    #expect(try rig.read(0, 4096) == Array(repeating: 3, count: 4096))
    #expect(rig.status.letters == "RR")
    #expect(rig.status.state == .degraded)
  }

  @Test("M1: a sector that no leg can read is an error there, and nowhere else")
  func badEverywhere() throws {
    let rig = MirrorRig()
    try rig.write(0, 64, value: 3)
    let bad = SectorRange(first: Sector(9), count: SectorCount(1))
    rig.script.set { _, facts in
      facts.operation == .read && facts.sectors.overlaps(bad) ? .fail(Errno(61)) : nil
    }
    #expect(throws: Errno(61)) { try rig.read(0, 64) }
    #expect(rig.status.state == .failed)
    #expect(try rig.read(0, 9) == Array(repeating: 3, count: 9))
    #expect(try rig.read(10, 54) == Array(repeating: 3, count: 54))
    rig.script.set(nil)
    #expect(try rig.read(9, 1) == [3])
    #expect(rig.status.state != .failed)
  }

  @Test("A range that failed is asked of the other leg first, and of this one as the last resort")
  func unreadableComesLast() throws {
    let rig = MirrorRig()
    try rig.write(0, 8, value: 5)
    rig.script.set { leg, facts in leg == 0 && facts.operation == .read ? .fail(.ioError) : nil }
    _ = try rig.read(0, 8)
    _ = try rig.read(0, 8)
    #expect(rig.status.legs[0].counters.read == 1)
    rig.script.set { leg, facts in leg == 1 && facts.operation == .read ? .fail(.ioError) : nil }
    #expect(try rig.read(0, 8) == Array(repeating: 5, count: 8))
    #expect(rig.status.letters == "AR")
  }

  @Test(
    "M4: what a leg missed is never read there, by no policy",
    arguments: [
      ReadPolicy.primary, .roundRobin, .leastPending,
    ])
  func staleIsNeverRead(policy: ReadPolicy) throws {
    let rig = MirrorRig(legs: 3, policy: policy)
    try rig.write(0, 16, value: 1)
    rig.script.set { leg, facts in leg == 0 && facts.operation == .write ? .fail(.ioError) : nil }
    try rig.write(4, 4, value: 2)
    rig.script.set(nil)
    for _ in 0..<9 {
      #expect(try rig.read(0, 16) == [1, 1, 1, 1, 2, 2, 2, 2] + Array(repeating: 1, count: 8))
    }
    #expect(rig.stale(0) == "4+4")
  }

  @Test("Round-robin spreads reads over the legs; write-mostly ones stay out")
  func roundRobin() throws {
    let rig = MirrorRig(legs: 3, policy: .roundRobin, writeMostly: [2])
    let seen = ConditionLock<[Int]>([0, 0, 0])
    rig.script.set { leg, facts in
      if facts.operation == .read { seen.withLock { $0[leg] += 1 } }
      return nil
    }
    for _ in 0..<10 { _ = try rig.read(0, 1) }
    #expect(seen.withLock { $0 } == [5, 5, 0])
  }

  @Test("A write-mostly leg serves when no other can")
  func writeMostlyAtLast() throws {
    let rig = MirrorRig(writeMostly: [0])
    try rig.write(0, 1, value: 9)
    rig.script.set { leg, facts in leg == 1 && facts.operation == .read ? .fail(.ioError) : nil }
    #expect(try rig.read(0, 1) == [9])
    #expect(rig.status.letters == "AR")
  }
}
