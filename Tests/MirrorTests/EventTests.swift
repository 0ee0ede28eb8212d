import BlockIO
import BlockIOFaults
import Testing

@testable import Mirror

/// What an operator is told.
@Suite("Events, counters and errors seen (M18)")
struct EventTests {
  private static func failing(_ failing: [Int: [Operation]], _ error: Errno = .ioError)
    -> MirrorRig.Script.Rule
  {
    { leg, facts in failing[leg]?.contains(facts.operation) == true ? .fail(error) : nil }
  }

  @Test("M18: the set's failing is told after the legs', and its end, once each")
  func failedAndBack() throws {
    let rig = MirrorRig()
    rig.script.set(Self.failing([0: [.write], 1: [.write]]))
    for _ in 0..<5 { #expect(throws: Errno.ioError) { try rig.write(0, 8, value: 1) } }
    #expect(rig.events.all == ["leg 0 D", "leg 1 D", "state failed"])
    rig.script.set(nil)
    try rig.write(0, 8, value: 2)
    try rig.flush()
    #expect(
      rig.events.all == [
        "leg 0 D", "leg 1 D", "state failed", "leg 0 A", "state degraded", "leg 1 A",
      ])
  }

  @Test("M18: a leg that gets worse is told of again, one that stays as it is is not")
  func worse() throws {
    let rig = MirrorRig()
    rig.script.set(Self.failing([1: [.read]]))
    try rig.write(0, 16, value: 1)
    rig.script.set(Self.failing([0: [.read]]))
    for _ in 0..<3 { _ = try rig.read(0, 1) }
    rig.script.set(Self.failing([1: [.write]], .noSpace))
    for sector: UInt64 in 0..<3 { try rig.write(sector, 1, value: 2) }
    rig.script.set(Self.failing([1: [.write]]))
    for sector: UInt64 in 3..<6 { try rig.write(sector, 1, value: 2) }
    rig.script.set(Self.failing([1: [.flush]]))
    for sector: UInt64 in 6..<9 {
      try rig.write(sector, 1, value: 2)
      try rig.flush()
    }
    #expect(rig.events.all == ["leg 0 R", "leg 0 A", "leg 1 N", "leg 1 D", "leg 1 F"])
    #expect(rig.status.letters == "AF")
  }

  @Test("M18: what failed is seen and counted, even where nothing was lost")
  func seen() throws {
    let rig = MirrorRig(legs: 3)
    rig.script.set(Self.failing([2: [.write]]))
    try rig.write(0, 8, value: 1)
    rig.script.set(nil)
    try rig.flush()
    try rig.write(0, 8, value: 2)
    rig.script.set(nil)
    try rig.flush()
    rig.mirror.clearErrors()
    #expect(rig.status.errorBitsSeen == [])
    // Leg 1 has nothing to lose, but its flush fails all the same.
    rig.script.set(Self.failing([2: [.write]]))
    try rig.write(0, 8, value: 3)
    try rig.flush()
    rig.script.set(nil)
    try rig.write(0, 8, value: 4)
    rig.script.set(Self.failing([0: [.read], 1: [.flush]]))
    try rig.flush()
    #expect(try rig.read(0, 8) == Array(repeating: 4, count: 8))
    #expect(rig.status.errorBitsSeen == LegBits(rawValue: 0b111))
    #expect(rig.status.errorBitsLast == LegBits(index: 0))
    #expect(rig.status.legs.map(\.counters.read) == [1, 0, 0])
    #expect(rig.status.legs.map(\.counters.flush) == [0, 1, 0])
    #expect(rig.status.legs.map(\.counters.write) == [0, 0, 1])
    let last = try #require(rig.status.legs[0].lastError)
    #expect(last.error == .ioError)
    #expect(last.operation == .read)
    #expect(last.sectors.description == "0+8")
    #expect(last.time > 1_600_000_000)
  }

  @Test("M18: events come in the order of the changes, whatever threads they come from")
  func order() throws {
    let rig = MirrorRig(legs: 3)
    let shared = rig.shared
    rig.script.set { leg, facts in
      leg > 0 && facts.operation == .write && facts.ordinal % 3 == leg ? .fail(.ioError) : nil
    }
    let writers = (0..<4).map { number in
      Background {
        for index: UInt64 in 0..<40 {
          try shared.rig.write(UInt64(number) * 64 + index % 8, 1, value: 1)
          if index % 10 == 9 { try shared.rig.flush() }
        }
      }
    }
    for writer in writers { try writer.end() }
    var letters: [Substring: Substring] = [:]
    for event in rig.events.all {
      let words = event.split(separator: " ")
      guard words[0] == "leg" else { continue }
      // Each is a change from what was told before.
      #expect(letters[words[1]] ?? "A" != words[2])
      letters[words[1]] = words[2]
    }
    for (index, letter) in rig.status.letters.enumerated() {
      #expect(letters["\(index)"] ?? "A" == "\(letter)")
    }
  }
}
