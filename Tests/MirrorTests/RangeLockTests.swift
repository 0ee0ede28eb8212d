import BlockIO
import Testing

@testable import Mirror

@Suite("The range lock (M7)")
struct RangeLockTests {
  private func range(_ first: UInt64, _ count: UInt64) -> SectorRange {
    SectorRange(first: Sector(first), count: SectorCount(count))
  }

  @Test("M7: readers share; writers keep everybody out of their range, and nobody out of others")
  func exclusion() {
    let lock = RangeLock()
    let first = lock.acquire(range(0, 8), exclusive: false)
    let second = lock.acquire(range(4, 8), exclusive: false)
    let elsewhere = lock.acquire(range(100, 8), exclusive: true)
    #expect(lock.changingRanges() == [range(100, 8)])
    let order = ConditionLock<[String]>([])
    let writer = IOThread(name: "writer") {
      let ticket = lock.acquire(range(6, 1), exclusive: true)
      order.withLock { $0.append("writer") }
      lock.release(ticket)
    }
    let deadline = ContinuousClock.now + .seconds(10)
    while lock.changingRanges().count < 2, ContinuousClock.now < deadline {}
    // A reader that came after the writer waits for it, although readers hold the range now.
    let reader = IOThread(name: "reader") {
      let ticket = lock.acquire(range(6, 1), exclusive: false)
      order.withLock { $0.append("reader") }
      lock.release(ticket)
    }
    order.withLock { $0.append("first") }
    lock.release(first)
    lock.release(second)
    writer.join()
    reader.join()
    lock.release(elsewhere)
    #expect(order.withLock { $0 } == ["first", "writer", "reader"])
  }

  @Test("M7: many threads on overlapping ranges never meet")
  func manyThreads() {
    let lock = RangeLock()
    let owners = ConditionLock([Int](repeating: 0, count: 16))
    let isClean = ConditionLock(true)
    let threads = (1...8).map { number in
      IOThread(name: "lock-\(number)") {
        var random = SeededRandom(seed: UInt64(number))
        for _ in 0..<400 {
          let first = Int.random(in: 0..<16, using: &random)
          let end = Int.random(in: first + 1...16, using: &random)
          let ticket = lock.acquire(
            SectorRange(Sector(UInt64(first)), upTo: Sector(UInt64(end))), exclusive: true)
          owners.withLock { owners in
            for sector in first..<end {
              if owners[sector] != 0 { isClean.withLock { $0 = false } }
              owners[sector] = number
            }
          }
          owners.withLock { owners in
            for sector in first..<end { owners[sector] = 0 }
          }
          lock.release(ticket)
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(isClean.withLock { $0 })
  }

  @Test("Who must not wait gets nothing where somebody conflicts, and leaves nothing in the line")
  func atOnce() throws {
    let lock = RangeLock()
    let reader = lock.acquire(range(0, 8), exclusive: false)
    #expect(lock.acquireAtOnce(range(4, 8), exclusive: true) == nil)
    let second = try #require(lock.acquireAtOnce(range(4, 8), exclusive: false))
    #expect(lock.ranges() == [range(0, 8), range(4, 8)])
    lock.release(reader)
    lock.release(second)
    let writer = try #require(lock.acquireAtOnce(range(4, 8), exclusive: true))
    #expect(lock.acquireAtOnce(range(4, 1), exclusive: false) == nil)
    lock.release(writer)
    #expect(lock.ranges().isEmpty)
  }
}
