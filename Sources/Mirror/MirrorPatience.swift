public import BlockIO
public import DMIO
internal import Glibc

/// All legs failed (rule M14).
extension MirrorSet {
  /// Makes an attempt that no leg could serve again, where the policy is to wait, until one can.
  ///
  /// The attempt gives up its range in between. Its own order among overlapping requests is open
  /// for as long as its caller has no answer, so nothing is reordered that anybody could rely on.
  public func patiently<R>(
    on lane: IOLane, _ attempt: () throws(Errno) -> R
  ) throws(Errno) -> R {
    while true {
      do throws(Errno) {
        return try attempt()
      } catch .awaitLegs {
        try awaitLegs(lane)
      }
    }
  }

  /// What a request is told that no leg could serve.
  func refusal(_ error: Errno) -> Errno {
    // A full leg is not a failing one, and will not mend itself.
    table.policy.onAllFailed == .wait && error != .noSpace ? .awaitLegs : error
  }

  /// Lets requests that wait for legs fail from now on, because the mount is to go.
  public func stopWaiting() {
    patience.withLock { $0.isOver = true }
    patience.wakeAll()
  }

  private func awaitLegs(_ lane: IOLane) throws(Errno) {
    try lane.prepareToWait()
    wakeKeeper()
    let isOver = patience.wait(atMostMilliseconds: 500) { $0.isOver ? true : nil }
    if isOver == true { throw .ioError }
  }
}

/// Whether requests may wait for legs.
struct Patience: Sendable {
  var isOver = false
}

extension HeldRange {
  /// Notes that no leg could serve a part.
  ///
  /// - Throws: what the caller is told.
  borrowing func failRead(_ part: SectorRange, _ error: Errno) -> Errno {
    set.update { health in
      health.unserved.insert(part)
      for index in health.legs.indices where health.legs[index].unreadable.overlaps(part) {
        health.legs[index].retry.noteRequestFailure(Pace.now())
      }
    }
    return set.refusal(error)
  }
}

extension MirrorKeeper {
  /// Opens a leg anew that nothing is copied to, because no other has what it should have: its
  /// descriptor may have died with a device that is back (rule M20).
  func reopen(_ index: Int, now: Double) {
    guard prepareReturn(of: index, now: now) else { return }
    set.note("leg=\(index) reopened", isWarning: false)
  }
}
