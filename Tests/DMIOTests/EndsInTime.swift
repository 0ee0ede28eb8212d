import BlockIO
import Glibc
import Testing

/// Ends the process when a test does not end, and says which: an engine that loses a transfer or a
/// wake-up would wait for ever.
///
/// Not `.timeLimit`: that needs a thread of the pool whose threads the waiting tests block.
struct EndsInTime: SuiteTrait, TestTrait, TestScoping {
  /// Much longer than all tests together take: a task may be without a thread while others run.
  static let mostSeconds = 600

  var isRecursive: Bool { true }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void
  ) async throws {
    let number = TestWatch.shared.began(test.displayName ?? test.name)
    defer { TestWatch.shared.ended(number) }
    try await body()
  }
}

extension Trait where Self == EndsInTime {
  static var endsInTime: Self { EndsInTime() }
}

/// The tests under way, and the thread that looks at them.
private final class TestWatch: Sendable {
  static let shared = TestWatch()

  private struct State {
    var next = 0
    var running: [Int: (name: String, seconds: Int)] = [:]
    var isLooking = false
  }

  private let state = ConditionLock(State())

  func began(_ name: String) -> Int {
    state.withLock { state in
      if !state.isLooking {
        state.isLooking = true
        IOThread(name: "test-watch") { self.look() }.detach()
      }
      state.next += 1
      state.running[state.next] = (name, Self.now())
      return state.next
    }
  }

  func ended(_ number: Int) { state.withLock { _ = $0.running.removeValue(forKey: number) } }

  private static func now() -> Int {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec
  }

  private func look() {
    while true {
      sleep(1)
      let now = Self.now()
      let late = state.withLock { state in
        state.running.values.filter { now - $0.seconds > EndsInTime.mostSeconds }.map(\.name)
      }
      guard !late.isEmpty else { continue }
      for name in Set(late).sorted() {
        let line = Array("✘ Test \"\(name)\" does not end\n".utf8)
        unsafe _ = write(2, line, line.count)
      }
      abort()
    }
  }
}
