import BlockIO
import Glibc
import Testing

@Suite("ConditionLock and IOThread")
struct ThreadingTests {
  @Test(
    "a wait gives up after its time, also after a negative one",
    arguments: [-5999, -1, 0, 1, 20])
  func timeout(milliseconds: Int) {
    let lock = ConditionLock(0)
    let result = lock.wait(atMostMilliseconds: milliseconds) { value -> Int? in
      value += 1
      return nil
    }
    #expect(result == nil)
    // Tried before the wait and after it.
    #expect(lock.withLock { $0 } >= 2)
  }

  @Test("a wait that succeeds at the last look is no timeout")
  func lastLook() {
    let lock = ConditionLock(0)
    let result = lock.wait(atMostMilliseconds: 1) { value -> Int? in
      value += 1
      return value >= 2 ? value : nil
    }
    #expect(result == 2)
  }

  @Test("a change wakes whoever waits for it")
  func wakes() {
    let lock = ConditionLock([Int]())
    let thread = IOThread(name: "test-waker") {
      for number in 0..<1000 {
        lock.withLock { $0.append(number) }
        lock.wakeOne()
      }
    }
    for expected in 0..<1000 {
      let number = lock.wait { $0.isEmpty ? nil : $0.removeFirst() }
      #expect(number == expected)
    }
    thread.join()
  }

  @Test("a lock lets one thread in at a time, and lets it out when it throws")
  func exclusion() {
    let lock = ConditionLock(0)
    let threads = (0..<4).map { _ in
      IOThread(name: "test-counter") {
        for _ in 0..<2000 {
          do {
            try lock.withLock { value throws(Errno) in
              value += 1
              if value % 2 == 0 { throw Errno.ioError }
            }
          } catch {}
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(lock.withLock { $0 } == 8000)
  }

  @Test("a thread has its name, blocks every signal and knows itself")
  func threads() {
    let seen = ConditionLock<(name: String, isBlocked: Bool, isCurrent: Bool)?>(nil)
    let held = ConditionLock<IOThread?>(nil)
    let thread = IOThread(name: "test-name-that-is-too-long") {
      let own = held.wait { $0 }
      var blocked = sigset_t()
      unsafe pthread_sigmask(SIG_BLOCK, nil, &blocked)
      let isBlocked = unsafe sigismember(&blocked, SIGTERM) == 1
      var name = [UInt8](repeating: 0, count: 32)
      let descriptor = unsafe open("/proc/thread-self/comm", O_RDONLY)
      _ = unsafe read(descriptor, &name, name.count)
      close(descriptor)
      let text = String(decoding: name.prefix { $0 > 10 }, as: UTF8.self)
      seen.withLock { $0 = (text, isBlocked, own.isCurrent) }
    }
    #expect(!thread.isCurrent)
    held.withLock { $0 = thread }
    held.wakeAll()
    thread.join()
    let result = seen.withLock { $0 }
    #expect(result?.name == "test-name-that-")
    #expect(result?.isBlocked == true)
    #expect(result?.isCurrent == true)
  }
}
