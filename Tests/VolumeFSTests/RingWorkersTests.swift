import BlockIO
import Testing

@testable import VolumeFS

@Suite("Threads for requests that may wait")
struct RingWorkersTests {
  private final class Crew: Sendable {
    let counts = ConditionLock((started: 0, waiting: 0, done: 0))
    let gate = ConditionLock(false)

    /// A crew of at most `most` threads, each of which waits with its job until ``open()``.
    func workers(most: Int) -> RingWorkers<Int> {
      let found = ConditionLock<RingWorkers<Int>?>(nil)
      let workers = RingWorkers<Int> { [self] in
        let mayStart = counts.withLock { counts in
          counts.started += 1
          return counts.started <= most
        }
        guard mayStart, let workers = found.withLock({ $0 }) else { return false }
        IOThread(name: "ring-worker") { [self] in
          while case .job = workers.next() {
            counts.withLock { $0.waiting += 1 }
            counts.wakeAll()
            gate.wait { $0 ? () : nil }
            counts.withLock { $0.done += 1 }
            counts.wakeAll()
          }
        }.detach()
        return true
      }
      found.withLock { $0 = workers }
      return workers
    }

    func open() {
      gate.withLock { $0 = true }
      gate.wakeAll()
    }

    func wait(_ isThere: ((started: Int, waiting: Int, done: Int)) -> Bool) -> Bool {
      counts.wait(atMostMilliseconds: 20_000) { isThere($0) ? true : nil } == true
    }
  }

  @Test("As many threads as requests wait at once, again and again")
  func oneEach() {
    let crew = Crew()
    let workers = crew.workers(most: 100)
    for job in 0..<20 { workers.add(job) }
    #expect(crew.wait { $0.waiting == 20 })
    #expect(crew.counts.withLock { $0.started } == 20)
    crew.open()
    #expect(crew.wait { $0.done == 20 })
    workers.close()
  }

  @Test("Requests beyond the most threads wait for one of them, and none is lost")
  func exhausted() {
    let crew = Crew()
    let workers = crew.workers(most: 2)
    #expect(!workers.isExhausted)
    for job in 0..<5 { workers.add(job) }
    #expect(crew.wait { $0.waiting == 2 })
    #expect(workers.isExhausted)
    crew.open()
    #expect(crew.wait { $0.done == 5 })
    while workers.isExhausted {}
    workers.close()
  }

  private func job(_ arrival: RingWorkers<Int>.Arrival) -> Int? {
    if case .job(let job) = arrival { job } else { nil }
  }

  @Test("An idle thread takes the next request; only then no other is started")
  func idle() throws {
    let startedCount = ConditionLock(0)
    let workers = RingWorkers<Int> {
      startedCount.withLock { $0 += 1 }
      return true
    }
    workers.add(1)
    #expect(startedCount.withLock { $0 } == 1)
    #expect(job(workers.next()) == 1)
    guard case .nothing = workers.next(atMostMilliseconds: 1) else {
      Issue.record("there is no other")
      return
    }
    #expect(!workers.hasIdle)
    let taken = ConditionLock<[Int?]>([])
    let thread = IOThread(name: "idle") {
      for _ in 0..<2 {
        let job = self.job(workers.next())
        taken.withLock { $0.append(job) }
      }
    }
    while !workers.hasIdle {}
    workers.add(2)
    workers.close()
    thread.join()
    #expect(taken.withLock { $0 } == [2, nil])
    #expect(startedCount.withLock { $0 } == 1)
  }
}

@Suite("Requests over io_uring")
struct RingOpeningTests {
  @Test("The ring is open when every queue has a seat, and refused with the first refusal")
  func opening() {
    let opening = RingOpening(queueCount: 2)
    opening.note(nil)
    opening.note(nil)
    #expect(opening.waitUntilOpen() == nil)
    let refused = RingOpening(queueCount: 2)
    refused.note(nil)
    refused.note(.invalid)
    #expect(refused.waitUntilOpen() == .invalid)
  }
}
