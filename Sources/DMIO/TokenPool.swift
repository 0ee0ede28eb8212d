internal import BlockIO

/// A number of tokens. Whoever finds none waits, and never fails for want of one: threads on a
/// condition, tasks and callbacks in a line. Where both wait, they take turns.
///
/// All members are safe on any thread.
final class TokenPool: Sendable {
  /// What is called when a token has been taken for the caller; false: the pool is gone.
  typealias Granted = @Sendable (Bool) -> Void

  private struct State {
    var total = 0
    var inUse = 0
    var waitingThreadCount = 0
    /// Those from `lineStart` on wait for a token, in this order.
    var line: [Granted] = []
    var lineStart = 0
    var isTurnOfLine = true

    var lineCount: Int { line.count - lineStart }

    mutating func popLine() -> Granted {
      let first = line[lineStart]
      lineStart += 1
      // So that the line does not grow for ever, and nobody moves it at each step.
      if lineStart * 2 > line.count {
        line.removeFirst(lineStart)
        lineStart = 0
      }
      return first
    }
  }

  private let state: ConditionLock<State>

  init(total: Int = 0) { state = ConditionLock(State(total: total)) }

  var total: Int { state.withLock { $0.total } }
  var inUse: Int { state.withLock { $0.inUse } }

  /// Takes a token; the calling thread waits for one. False when there is no pool.
  ///
  /// - Parameter mayExceed: asked before a wait: whether the caller must not wait, and takes the
  ///   pool past its size.
  func take(mayExceed: () -> Bool = { false }) -> Bool {
    let isTaken = state.withLock { state -> Bool? in
      if state.total == 0 { return false }
      guard state.inUse < state.total else { return nil }
      state.inUse += 1
      return true
    }
    if let isTaken { return isTaken }
    let isExceeding = mayExceed()
    state.withLock { $0.waitingThreadCount += 1 }
    return state.wait { state -> Bool? in
      guard state.total == 0 || state.inUse < state.total || isExceeding else { return nil }
      state.waitingThreadCount -= 1
      guard state.total > 0 else { return false }
      state.inUse += 1
      return true
    }
  }

  /// Takes a token without making anybody's thread wait: `granted` is called once, now on this
  /// thread or later on that of whoever gives a token back; it must not block.
  func take(_ granted: @escaping Granted) {
    let isTaken = state.withLock { state -> Bool? in
      if state.total == 0 { return false }
      guard state.inUse < state.total else {
        state.line.append(granted)
        return nil
      }
      state.inUse += 1
      return true
    }
    if let isTaken { granted(isTaken) }
  }

  func giveBack() {
    let next = state.withLock { state -> Granted? in
      let isLineNext = state.isTurnOfLine || state.waitingThreadCount == 0
      guard state.lineCount > 0, isLineNext, state.inUse <= state.total else {
        state.inUse -= 1
        state.isTurnOfLine = true
        return nil
      }
      state.isTurnOfLine = false
      return state.popLine()
    }
    if let next { next(true) } else { state.wakeOne() }
  }

  func grow(by count: Int) {
    let granted = state.withLock { state in
      state.total += count
      var granted: [Granted] = []
      while state.lineCount > 0, state.inUse < state.total {
        state.inUse += 1
        granted.append(state.popLine())
      }
      return granted
    }
    for one in granted { one(true) }
    state.wakeAll()
  }

  /// False, and nothing changed, when there are fewer. Tokens in use are given back as ever.
  func shrink(by count: Int) -> Bool {
    let refused = state.withLock { state -> [Granted]? in
      guard count > 0, count <= state.total else { return nil }
      state.total -= count
      guard state.total == 0 else { return [] }
      // Whoever waits for a token of a pool that is gone must hear of it.
      let refused = Array(state.line[state.lineStart...])
      state.line = []
      state.lineStart = 0
      return refused
    }
    guard let refused else { return false }
    for one in refused { one(false) }
    state.wakeAll()
    return true
  }
}
