import BlockIO
import BlockIOFaults
import Testing

@testable import Mirror

@Suite("Writes and flushes (M3 to M8)")
struct WriteTests {
  private static func failWrites(on legs: Set<Int>, _ error: Errno = .ioError)
    -> MirrorRig.Script.Rule
  {
    { leg, facts in legs.contains(leg) && facts.operation == .write ? .fail(error) : nil }
  }

  private static func failFlushes(on legs: Set<Int>) -> MirrorRig.Script.Rule {
    { leg, facts in legs.contains(leg) && facts.operation == .flush ? .fail(.ioError) : nil }
  }

  @Test("M4: a stale range heals when it was written again and flushed, not before")
  func healing() throws {
    let rig = MirrorRig()
    rig.script.set(Self.failWrites(on: [1]))
    try rig.write(0, 8, value: 1)
    rig.script.set(nil)
    try rig.write(0, 4, value: 2)
    #expect(rig.stale(1) == "0+8")
    try rig.flush()
    #expect(rig.stale(1) == "4+4")
    try rig.write(4, 4, value: 2)
    try rig.flush()
    #expect(rig.status.letters == "AA")
  }

  @Test("M4: written again, but missed once more before the flush, stays stale")
  func missedAgain() throws {
    let rig = MirrorRig()
    rig.script.set(Self.failWrites(on: [1]))
    try rig.write(0, 8, value: 1)
    rig.script.set(nil)
    try rig.write(0, 8, value: 2)
    rig.script.set(Self.failWrites(on: [1]))
    try rig.write(2, 2, value: 3)
    rig.script.set(nil)
    try rig.flush()
    #expect(rig.stale(1) == "2+2")
  }

  @Test("M5: ENOSPC only where every failing leg is full, else EIO; a quorum counts in-sync legs")
  func errorsForCallers() throws {
    let rig = MirrorRig(quorum: 2)
    rig.script.set(Self.failWrites(on: [1], .noSpace))
    #expect(throws: Errno.noSpace) { try rig.write(0, 1, value: 1) }
    #expect(rig.status.letters == "AN")
    rig.script.set { leg, facts in
      facts.operation == .write ? .fail(leg == 0 ? .noSpace : .ioError) : nil
    }
    #expect(throws: Errno.ioError) { try rig.write(8, 1, value: 1) }
  }

  @Test("M5: when every leg fails, one stays the copy to read from, and reads keep agreeing")
  func lastGoodLeg() throws {
    let rig = MirrorRig(legs: 3, policy: .roundRobin)
    try rig.write(0, 8, value: 1)
    rig.script.set { leg, facts in
      facts.operation == .write ? .fail(.ioError, afterByteCount: leg * 512) : nil
    }
    #expect(throws: Errno.ioError) { try rig.write(0, 8, value: 2) }
    rig.script.set(nil)
    let first = try rig.read(0, 8)
    for _ in 0..<6 { #expect(try rig.read(0, 8) == first) }
    #expect(rig.status.state == .failed)
    #expect(rig.status.letters == "DDD")
    try rig.write(0, 8, value: 3)
    try rig.flush()
    #expect(rig.status.letters == "AAA")
    #expect(rig.status.state == .inSync)
  }

  @Test("M5: legs that are stale in different places serve their own places")
  func checkerboard() throws {
    let rig = MirrorRig()
    try rig.write(0, 16, value: 1)
    rig.script.set(Self.failWrites(on: [0]))
    try rig.write(0, 8, value: 2)
    rig.script.set(Self.failWrites(on: [1]))
    try rig.write(8, 8, value: 3)
    rig.script.set(nil)
    #expect(try rig.read(0, 16) == Array(repeating: 2, count: 8) + Array(repeating: 3, count: 8))
    rig.script.set(Self.failWrites(on: [0, 1]))
    #expect(throws: Errno.ioError) { try rig.write(0, 16, value: 4) }
    rig.script.set(nil)
    _ = try rig.read(0, 16)
  }

  @Test("M5: a stale leg that took the write saves it, once it has been flushed")
  func promotion() throws {
    let rig = MirrorRig()
    rig.script.set(Self.failWrites(on: [0]))
    try rig.write(0, 8, value: 1)
    rig.script.set(Self.failWrites(on: [1]))
    try rig.write(0, 8, value: 2)
    rig.script.set(nil)
    #expect(rig.stale(0) == "")
    #expect(rig.stale(1) == "0+8")
    #expect(try rig.read(0, 8) == Array(repeating: 2, count: 8))
  }

  @Test("M8: a failed flush makes stale what was written since the last good one")
  func failedFlush() throws {
    let rig = MirrorRig()
    try rig.write(0, 8, value: 1)
    try rig.flush()
    try rig.write(32, 8, value: 1)
    rig.script.set(Self.failFlushes(on: [1]))
    try rig.flush()
    #expect(rig.status.letters == "AF")
    #expect(rig.stale(1) == "32+8")
    #expect(rig.status.legs[1].counters.flush == 1)
  }

  @Test("M8: a flush that fails on the only leg is an error, once, and the data can be read")
  func failedFlushEverywhere() throws {
    let rig = MirrorRig()
    try rig.write(0, 8, value: 1)
    rig.script.set(Self.failFlushes(on: [0, 1]))
    #expect(throws: Errno.ioError) { try rig.flush() }
    rig.script.set(nil)
    #expect(try rig.read(0, 8) == Array(repeating: 1, count: 8))
    #expect(rig.status.state == .failed)
  }

  @Test("M8: a flush that was made to save a write has consequences, too")
  func failedPromotion() throws {
    let rig = MirrorRig(legs: 3)
    rig.script.set(Self.failWrites(on: [0]))
    try rig.write(0, 8, value: 1)
    rig.script.set(nil)
    try rig.write(64, 8, value: 1)
    rig.script.set { leg, facts in
      switch facts.operation {
      case .write: leg != 0 ? .fail(.ioError) : nil
      case .flush: leg == 0 ? .fail(.ioError) : nil
      default: nil
      }
    }
    #expect(throws: Errno.ioError) { try rig.write(0, 8, value: 2) }
    #expect(rig.stale(0) == "0+8 64+8")
  }

  @Test("M15: a leg that cannot zero is written instead, and not degraded")
  func zeroByHand() throws {
    let rig = MirrorRig(sectors: 8192)
    try rig.write(0, 4096, value: 1)
    rig.script.set { leg, facts in
      leg == 1 && facts.operation == .writeZeroes ? .fail(.notSupported) : nil
    }
    try rig.zero(8, 4000)
    #expect(rig.status.letters == "AA")
    let wanted =
      Array(repeating: UInt8(1), count: 8) + Array(repeating: 0, count: 4000)
      + Array(repeating: 1, count: 88)
    for leg in 0...1 { #expect(Array(rig.contents(leg: leg).prefix(4096)) == wanted) }
  }

  @Test("M18: one event for each change, in order, and none in a storm")
  func events() throws {
    let rig = MirrorRig()
    rig.script.set(Self.failWrites(on: [1]))
    for sector: UInt64 in 0..<50 { try rig.write(sector * 2, 1, value: 1) }
    #expect(rig.events.all == ["leg 1 D"])
    rig.script.set(nil)
    try rig.write(0, 100, value: 1)
    try rig.flush()
    #expect(rig.events.all == ["leg 1 D", "leg 1 A"])
    #expect(rig.status.errorBits == [])
    #expect(rig.status.errorBitsSeen == LegBits(index: 1))
    rig.mirror.clearErrors()
    #expect(rig.status.errorBitsSeen == [])
    #expect(rig.status.legs[1].lastError == nil)
  }

  @Test("M18: clearing errors forgets the past, but not what a leg misses")
  func clearing() throws {
    let rig = MirrorRig()
    rig.script.set(Self.failWrites(on: [1]))
    try rig.write(0, 8, value: 1)
    rig.mirror.clearErrors()
    #expect(rig.stale(1) == "0+8")
    #expect(rig.status.letters == "AD")
    #expect(rig.status.errorBitsSeen == LegBits(index: 1))
  }
}
