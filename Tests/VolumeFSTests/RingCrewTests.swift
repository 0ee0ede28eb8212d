import BlockIO
import Testing

@testable import VolumeFS

@Suite("Seats at the kernel's queues")
struct RingCrewTests {
  @Test("A seat is added when the last free one has a request that waits, and one only")
  func oneMore() {
    let queue = RingCrew.Queue(number: 0)
    #expect(queue.takesOneMore(), "none yet")
    #expect(!queue.takesOneMore(), "the new one is free")
    queue.noteTaken()
    #expect(queue.takesOneMore())
    #expect(!queue.takesOneMore())
    queue.noteFree()
    queue.noteTaken()
    #expect(!queue.takesOneMore(), "another is free")
  }

  @Test("Of many that wait at once, each sees to it that somebody is left")
  func manyAtOnce() {
    let (threadCount, roundCount) = (4, 500)
    let queue = RingCrew.Queue(number: 0)
    let added = ConditionLock(0)
    for _ in 0..<roundCount {
      for _ in 0..<threadCount { queue.noteFree() }
      let threads = (0..<threadCount).map { index in
        IOThread(name: "seat-\(index)") {
          queue.noteTaken()
          if queue.takesOneMore() { added.withLock { $0 += 1 } }
        }
      }
      for thread in threads { thread.join() }
      #expect(!queue.takesOneMore(), "all wait, and nobody is free")
      // All go home.
      queue.noteTaken()
    }
    #expect(added.withLock { $0 } == roundCount)
  }

  @Test("The ring is open when every queue has a seat, and refused with the first refusal")
  func opening() {
    let crew = RingCrew(queueCount: 2)
    crew.note(nil)
    crew.note(nil)
    #expect(crew.waitUntilOpen() == nil)
    let refused = RingCrew(queueCount: 2)
    refused.note(nil)
    refused.note(.invalid)
    #expect(refused.waitUntilOpen() == .invalid)
  }
}
