import BlockIO
import BlockIOFaults
import DMIO
import Testing

@testable import Mirror

/// A call that runs on a thread of its own.
final class Background: Sendable {
  private let thread = ConditionLock<IOThread?>(nil)
  private let failure = ConditionLock<(any Error)?>(nil)

  init(_ body: @escaping @Sendable () throws -> Void) {
    thread.withLock { thread in
      thread = IOThread(name: "background") { [failure] in
        do { try body() } catch { failure.withLock { $0 = error } }
      }
    }
  }

  /// Waits for the call's end and throws what it threw.
  func end() throws {
    thread.withLock { thread in
      thread?.join()
      thread = nil
    }
    if let failure = failure.withLock({ $0 }) { throw failure }
  }
}

extension MirrorRig {
  /// Held by threads of a test at once: its parts are safe on any thread.
  struct Shared: @unchecked Sendable {
    // Sendable: all members of the rig are constants of types that are safe on any thread.
    let rig: MirrorRig
  }

  var shared: Shared { Shared(rig: self) }
}

/// What meets a flush that is under way, or fails.
@Suite("Flushes against writes, reads and other flushes (M4, M8)")
struct FlushRaceTests {
  private static let milliseconds = 30_000

  @Test("M8: a write that was under way when a flush failed is not trusted on that leg")
  func writeUnderWay() throws {
    let rig = MirrorRig()
    let gate = Gate()
    try rig.write(64, 8, value: 1)
    rig.script.set { leg, facts in
      if facts.operation == .write { return leg == 1 ? .hold(gate) : nil }
      return leg == 1 && facts.operation == .flush ? .fail(.ioError) : nil
    }
    let shared = rig.shared
    let writer = Background { try shared.rig.write(0, 8, value: 2) }
    #expect(gate.waitForHeld(count: 1, atMostMilliseconds: Self.milliseconds))
    try rig.flush()
    gate.open()
    try writer.end()
    rig.script.set(nil)
    try rig.flush()
    #expect(rig.stale(1) == "0+8 64+8")
    try rig.write(0, 8, value: 3)
    try rig.flush()
    #expect(rig.stale(1) == "64+8")
  }

  @Test("M8: a write that was under way when every flush failed is an error, not a success")
  func writeUnderWayEverywhere() throws {
    let rig = MirrorRig()
    let gate = Gate()
    try rig.write(64, 8, value: 1)
    rig.script.set { leg, facts in
      if facts.operation == .write { return leg == 1 ? .hold(gate) : nil }
      return facts.operation == .flush ? .fail(.ioError) : nil
    }
    let shared = rig.shared
    let writer = Background { try shared.rig.write(0, 8, value: 2) }
    #expect(gate.waitForHeld(count: 1, atMostMilliseconds: Self.milliseconds))
    #expect(throws: Errno.ioError) { try rig.flush() }
    gate.open()
    // Its data may be lost, and the flush that lost it has been answered already.
    #expect(throws: Errno.ioError) { try writer.end() }
    rig.script.set(nil)
    #expect(rig.status.state == .failed)
    try rig.write(0, 8, value: 3)
    try rig.write(64, 8, value: 3)
    try rig.flush()
    #expect(rig.status.letters == "AA")
  }

  @Test("M8: who waits for a flush hears when the one before it loses what he wrote")
  func waitingCallers() throws {
    let rig = MirrorRig()
    rig.script.set { leg, facts in
      leg == 1 && facts.operation == .write ? .fail(.ioError) : nil
    }
    try rig.write(0, 8, value: 1)
    let gate = Gate()
    rig.script.set { leg, facts in
      guard facts.operation == .flush else { return nil }
      return leg == 0 ? .fail(.ioError) : .hold(gate)
    }
    let shared = rig.shared
    let first = Background { try shared.rig.flush() }
    #expect(gate.waitForHeld(count: 1, atMostMilliseconds: Self.milliseconds))
    let waiting = (0..<3).map { _ in Background { try shared.rig.flush() } }
    // They have to be in line before the first ends; there is no sign of it but time.
    _ = ConditionLock(()).wait(atMostMilliseconds: 100) { _ -> Void? in nil }
    gate.open()
    #expect(throws: Errno.ioError) { try first.end() }
    for one in waiting { #expect(throws: Errno.ioError) { try one.end() } }
    rig.script.set(nil)
    try rig.flush()
  }

  @Test("M8: a loss that a flush without a caller found is kept for the next caller, once")
  func unaskedFlush() throws {
    let rig = MirrorRig()
    try rig.write(0, 8, value: 1)
    rig.script.set { _, facts in facts.operation == .flush ? .fail(.ioError) : nil }
    rig.flushUnasked()
    rig.script.set(nil)
    rig.flushUnasked()
    #expect(throws: Errno.ioError) { try rig.flush() }
    try rig.flush()
  }

  @Test("M8: a write that ends while a flush is under way is made durable by the next")
  func writeDuringFlush() throws {
    let rig = MirrorRig()
    let gate = Gate()
    try rig.write(0, 8, value: 1)
    rig.script.set { leg, facts in
      leg == 1 && facts.operation == .flush ? .hold(gate) : nil
    }
    let shared = rig.shared
    let flusher = Background { try shared.rig.flush() }
    #expect(gate.waitForHeld(count: 1, atMostMilliseconds: Self.milliseconds))
    try rig.write(32, 8, value: 2)
    gate.open()
    try flusher.end()
    rig.script.set { leg, facts in
      leg == 1 && facts.operation == .flush ? .fail(.ioError) : nil
    }
    try rig.flush()
    #expect(rig.stale(1) == "32+8")
  }

  @Test("M4: a read that was under way when its leg became stale comes from another leg")
  func readUnderWay() throws {
    let rig = MirrorRig()
    try rig.write(0, 8, value: 1)
    try rig.flush()
    try rig.write(0, 8, value: 2)
    let gate = Gate()
    rig.script.set { leg, facts in
      guard leg == 0 else { return nil }
      switch facts.operation {
      case .read: return .hold(gate)
      case .flush: return .fail(.ioError)
      default: return nil
      }
    }
    let shared = rig.shared
    let found = ConditionLock<[UInt8]>([])
    let reader = Background {
      let values = try shared.rig.read(0, 8)
      found.withLock { $0 = values }
    }
    #expect(gate.waitForHeld(count: 1, atMostMilliseconds: Self.milliseconds))
    // The cache of leg 0 loses the second write, and its flush tells.
    rig.memory.overwrite(
      rig.devices[0], at: 0, with: [UInt8](repeating: 1, count: 8 * sectorByteCount))
    try rig.flush()
    gate.open()
    try reader.end()
    #expect(found.withLock { $0 } == Array(repeating: 2, count: 8))
  }

  @Test("M7: overlapping writers land in the same order on every leg, however slow one is")
  func overlappingWriters() throws {
    let rig = MirrorRig(legs: 3)
    rig.script.set { leg, facts in
      guard facts.operation == .write, (facts.ordinal + leg) % 5 == 0 else { return nil }
      return .delay(milliseconds: 1)
    }
    let shared = rig.shared
    let writers = (1...6).map { number in
      Background {
        var random = SeededRandom(seed: UInt64(number))
        for _ in 0..<20 {
          let first = UInt64.random(in: 0..<24, using: &random)
          let count = UInt64.random(in: 1...8, using: &random)
          try shared.rig.write(first, count, value: UInt8(number))
        }
      }
    }
    for writer in writers { try writer.end() }
    #expect(rig.contents(leg: 0) == rig.contents(leg: 1))
    #expect(rig.contents(leg: 0) == rig.contents(leg: 2))
    #expect(rig.status.letters == "AAA")
  }
}

extension MirrorRig {
  func flushUnasked() {
    _ = try? client.withLane { (lane) throws(Errno) in mirror.flushUnasked(on: lane) }
  }
}
