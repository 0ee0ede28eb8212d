internal import BlockIO

/// How long each region of a request may take, in milliseconds; 0: as long as it takes.
///
/// dm-io knows no time (rule E19): its users do, and an engine that they all wait in is the only
/// place where a wait can be cut short.
public typealias Deadlines = [UInt32]

extension IOLane {
  /// Like ``perform(_:)``, but returns when each region has ended or missed its deadline (M12).
  ///
  /// A region that missed it fails with ETIMEDOUT and is in ``IOResult/lateBits``. Its transfer
  /// goes on: the request's memory belongs to the lane until ``lateCount`` is 0 again, which takes
  /// ``poll(waiting:)``. What a late read leaves in memory, and when, nobody knows.
  ///
  /// - Parameters:
  ///   - request: its memory stays the lane's while a region of it is late.
  ///   - deadlines: for region n, counted from the call; a region behind its end has none.
  public func perform(
    _ request: IORequest, deadlines: Deadlines
  ) throws(IORequestError) -> IOResult {
    try request.validate()
    if let result = performAtOnce(request) { return result }
    let slot = begin(request)
    let isEnded = wait(for: slot, deadlines, since: mayWait && !deadlines.isEmpty ? now() : 0)
    return isEnded ? end(slot) : abandon(slot)
  }

  /// Carries several requests out side by side, each as ``perform(_:deadlines:)`` does.
  ///
  /// Reads of several devices are one request each (rule E3); this way they take the time of the
  /// slowest, not of all together. Their results are in the order of the requests.
  ///
  /// - Parameters:
  ///   - requests: each with regions and memory of its own.
  ///   - deadlines: of each request, counted from the call.
  public func perform(
    all requests: [IORequest], deadlines: [Deadlines]
  ) throws(IORequestError) -> [IOResult] {
    precondition(requests.count == deadlines.count, "every request has its deadlines")
    for request in requests { try request.validate() }
    let slots = requests.map { begin($0) }
    let start = now()
    for (slot, deadlines) in zip(slots, deadlines) { _ = wait(for: slot, deadlines, since: start) }
    // Only now, with nothing reaped in between: what is late may not end before its caller has
    // said what is to be done then.
    return slots.map { isDone($0) ? end($0) : abandon($0) }
  }

  /// Waits for a request's end; false when all that is left of it has missed its deadline.
  private func wait(for slot: Int, _ deadlines: Deadlines, since start: UInt64) -> Bool {
    guard mayWait, !deadlines.isEmpty else {
      while !isDone(slot) { poll(for: slot) }
      return true
    }
    defer { endAlarm() }
    while !isDone(slot) {
      let passed = now() - start
      var expired: ErrorBits = []
      for index in deadlines.indices
      where deadlines[index] > 0 && passed >= UInt64(deadlines[index]) {
        expired.insert(index: index)
      }
      let pending = pendingBits(slot).subtracting(expired)
      if pending.isEmpty { return false }
      if let next = Self.first(of: pending, deadlines) {
        beginAlarm(start + next)
      } else {
        endAlarm()
      }
      poll(for: slot)
    }
    return true
  }

  private func now() -> UInt64 { DeadlineWatch.now() }

  /// The shortest deadline of these regions; nil where none has one.
  private static func first(of pending: ErrorBits, _ deadlines: Deadlines) -> UInt64? {
    var first: UInt64?
    for index in deadlines.indices where deadlines[index] > 0 && pending.contains(index: index) {
      first = min(first ?? .max, UInt64(deadlines[index]))
    }
    return first
  }

  /// Waits until no request of this lane is late any more, as long as `mayGoOn` says so.
  ///
  /// It is asked each time the lane is woken. Returns whether all have ended.
  public func drain(while mayGoOn: () -> Bool = { true }) -> Bool {
    while lateCount > 0 {
      guard mayGoOn() else { return false }
      let start = DeadlineWatch.now()
      beginAlarm(start + 200)
      poll(waiting: true)
      endAlarm()
    }
    return true
  }
}
