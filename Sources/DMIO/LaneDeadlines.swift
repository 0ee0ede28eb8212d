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
  /// - Parameter deadlines: for region n, counted from the call; a region behind its end has none.
  public func perform(
    _ request: IORequest, deadlines: Deadlines
  ) throws(IORequestError) -> IOResult {
    try request.validate()
    let slot = begin(request)
    if mayWait, !deadlines.isEmpty {
      let start = DeadlineWatch.now()
      defer { endAlarm() }
      var expired: ErrorBits = []
      while !isDone(slot) {
        let pending = pendingBits(slot).subtracting(expired)
        if pending.isEmpty { return abandon(slot) }
        guard let next = Self.first(of: pending, deadlines) else {
          endAlarm()
          poll(waiting: true)
          continue
        }
        beginAlarm(start + next)
        poll(waiting: true)
        if isDone(slot) { break }
        let passed = DeadlineWatch.now() - start
        for index in deadlines.indices
        where deadlines[index] > 0 && passed >= UInt64(deadlines[index]) {
          expired.insert(index: index)
        }
      }
    }
    while !isDone(slot) { poll(waiting: true) }
    return end(slot)
  }

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
  /// It is asked after each ``wake()``. Returns whether all have ended.
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
