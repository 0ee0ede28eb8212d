import BlockIO
import Glibc
import Testing

@testable import Mirror

/// Crashes of the process and losses of power at any event, one life after the other.
@Suite("Crashes at any moment against a model of the contract (M4, M6, M8, M9)", .serialized)
struct CrashTests {
  private static func number(_ name: String, _ usual: Int) -> Int {
    unsafe getenv(name).flatMap { unsafe Int(String(cString: $0)) } ?? usual
  }

  /// The campaign runs more: MIRRORFS_CRASH_LIVES=20000.
  private static var lifeCount: Int { number("MIRRORFS_CRASH_LIVES", 150) }
  private static var firstSeed: Int { number("MIRRORFS_CRASH_SEED", 1) }
  /// Crashes that are tried in each life, besides the one that the next life begins with.
  private static var trialCount: Int { number("MIRRORFS_CRASH_TRIALS", 3) }

  @Test(
    "What was promised is read after any crash, and the legs are equal in the end",
    arguments: [(2, true), (2, false), (3, true), (3, false)])
  func crashes(legCount: Int, losesPower: Bool) throws {
    var image = CrashImage(legCount: legCount, sectorCount: 3 * CrashProcess.chunk)
    var value: UInt64 = 0
    var crashCount = 0
    defer { print("\(legCount) legs: \(value / 16) steps, \(crashCount) crashes") }
    for life in Self.firstSeed..<Self.firstSeed + Self.lifeCount {
      let seed = UInt64(life) &* 64 &+ UInt64(legCount * 2 + (losesPower ? 1 : 0))
      var random = SeededRandom(seed: seed)
      let process = try CrashProcess(
        image, legCount: legCount, intent: losesPower ? .durable : .process, seed: seed)
      for _ in 0..<Int.random(in: 5...60, using: &random) {
        value += 16
        process.step(value: value)
      }
      let events = process.legs.events
      process.end()
      #expect(process.problems.isEmpty, "life \(life): \(process.problems.prefix(3))")
      if !process.problems.isEmpty { return }
      let cuts = Self.cuts(of: events, &random)
      crashCount += cuts.count
      for (trial, cut) in cuts.enumerated() {
        var after = image
        for event in events.prefix(cut) { after.apply(event) }
        if losesPower { after.losePower(&random) }
        let problems = try recover(
          after, legCount, losesPower, seed: seed &+ 7919 &* UInt64(trial + 1))
        #expect(problems.isEmpty, "life \(life), trial \(trial): \(problems.prefix(3))")
        if !problems.isEmpty { return }
        // The next life begins there, with nothing mended yet.
        if trial == cuts.count - 1 { image = after }
      }
    }
  }

  /// Moments to crash at: with MIRRORFS_CRASH_FLUSHES=1 after every flush of a leg or of the state,
  /// and some between.
  private static func cuts(of events: [CrashEvent], _ random: inout SeededRandom) -> [Int] {
    let some = (0...trialCount).map { _ in Int.random(in: 0...events.count, using: &random) }
    guard number("MIRRORFS_CRASH_FLUSHES", 0) > 0 else { return some }
    return events.indices.filter { events[$0].isFlush }.map { $0 + 1 } + some
  }

  private func recover(
    _ image: CrashImage, _ legCount: Int, _ losesPower: Bool, seed: UInt64
  ) throws -> [String] {
    let process = try CrashProcess(
      image, legCount: legCount, intent: losesPower ? .durable : .process, seed: seed)
    defer { process.end() }
    process.settle(image.acknowledged)
    return process.problems
  }
}
