import BlockIO
import BlockIOFaults
import DMIO
import Testing

@testable import Mirror

/// Legs that miss their deadline (rule M12).
@Suite("Slow legs: M12")
struct SlowLegTests {
  /// Writes that reached leg 1.
  private final class Count: Sendable {
    private let number = ConditionLock(0)
    func note() { number.withLock { $0 += 1 } }
    var value: Int { number.withLock { $0 } }
  }

  private func waitUntil(_ isTrue: () -> Bool) -> Bool {
    for _ in 0..<400 {
      if isTrue() { return true }
      _ = ConditionLock(()).wait(atMostMilliseconds: 10) { _ -> Void? in nil }
    }
    return false
  }

  @Test("M12 nothing is sent to a slow leg that could arrive before what is late")
  func nothingOvertakes() throws {
    let rig = MirrorRig(deadlineMilliseconds: 30)
    let (gate, count) = (Gate(), Count())
    rig.script.set { leg, facts in
      guard leg == 1, facts.operation == .write else { return nil }
      count.note()
      return .hold(gate)
    }
    try rig.write(0, 8, value: 1)
    #expect(rig.status.letters == "AW")
    #expect(rig.stale(1) == "0+8")
    try rig.write(4, 8, value: 2)
    try rig.write(100, 8, value: 3)
    try rig.zero(200, 8)
    try rig.flush()
    #expect(count.value == 1, "a slow leg was written")
    #expect(rig.stale(1) == "0+12 100+8 200+8")
    #expect(try rig.read(0, 12) == [1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2])
    // It takes what is late, and is not back before that has ended and it was looked at.
    rig.script.set(nil)
    gate.open()
    let hasEnded = waitUntil { rig.mirror.withHealth { $0.legs[1].lateCount } == 0 }
    #expect(hasEnded)
    #expect(rig.status.letters == "AW")
    rig.work()
    #expect(rig.status.letters == "AA")
    #expect(rig.contents(leg: 0) == rig.contents(leg: 1))
  }

  @Test("M12 a read that is late is made again with other memory, from another leg")
  func lateReads() throws {
    let rig = MirrorRig(deadlineMilliseconds: 30)
    try rig.write(0, 8, value: 7)
    let gate = Gate()
    rig.script.set { leg, facts in
      leg == 0 && facts.operation == .read ? .hold(gate) : nil
    }
    // Whoever owns the memory has to know that it is spoilt.
    #expect(throws: Errno.restart) { try rig.read(0, 8) }
    #expect(try rig.read(0, 8).allSatisfy { $0 == 7 })
    #expect(rig.status.letters == "WA")
    #expect(rig.status.legs[0].lastError?.error == .timedOut)
    gate.open()
  }

  @Test(
    "M12 M5 when the last good leg is slow, requests fail; what it holds is there when it is back")
  func lastGoodLeg() throws {
    let rig = MirrorRig(legs: 1, deadlineMilliseconds: 30)
    try rig.write(0, 8, value: 7)
    try rig.flush()
    let gate = Gate()
    rig.script.set { _, facts in facts.operation == .write ? .hold(gate) : nil }
    #expect(throws: Errno.timedOut) { try rig.write(0, 8, value: 8) }
    #expect(throws: Errno.self) { try rig.read(0, 8) }
    rig.script.set(nil)
    gate.open()
    let hasEnded = waitUntil { rig.mirror.withHealth { $0.legs[0].lateCount } == 0 }
    #expect(hasEnded)
    rig.work()
    // Late, but it has arrived.
    #expect(try rig.read(0, 8).allSatisfy { $0 == 8 })
    try rig.write(0, 8, value: 9)
    #expect(try rig.read(0, 8).allSatisfy { $0 == 9 })
  }

  @Test("M11 M12 a scrub reads all legs side by side, and one that is late is no difference")
  func scrub() throws {
    let rig = MirrorRig(legs: 3, sectors: 64, deadlineMilliseconds: 2000)
    try rig.write(0, 64, value: 7)
    // No leg's read ends before that of the last has begun.
    let all = Gate()
    rig.script.set { leg, facts in
      guard facts.operation == .read else { return nil }
      if leg == 2 { all.open() }
      return .hold(all)
    }
    try scrub(rig)
    #expect(rig.status.letters == "AAA")
    let gate = Gate()
    rig.script.set { leg, facts in leg == 1 && facts.operation == .read ? .hold(gate) : nil }
    try scrub(rig)
    #expect(rig.status.letters == "AWA")
    #expect(rig.mirror.withHealth { $0.mismatches.isEmpty })
    rig.script.set(nil)
    gate.open()
    let hasEnded = waitUntil { rig.mirror.withHealth { $0.legs[1].lateCount } == 0 }
    #expect(hasEnded)
  }

  private func scrub(_ rig: MirrorRig) throws {
    try rig.client.withLane { (lane) throws(Errno) in
      try rig.mirror.requestScrub(nil, isRepair: false, source: nil, on: lane)
      MirrorKeeper(rig.mirror, lane: lane).work { true }
    }.get()
  }
}
