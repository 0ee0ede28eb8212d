public import BlockIO
internal import DMIO
internal import Glibc

/// One request to the legs of which at least one failed: what an event log has a record of.
public struct FailedRequest: Sendable {
  /// How one leg failed.
  public struct Leg: Sendable {
    public let index: Int
    public let error: Errno
    /// From the request's start to the failure; to the deadline of a leg that has not ended.
    public let latencyMicroseconds: UInt64
  }

  public let operation: Operation
  /// Sectors of the volume; all of them for a flush.
  public let sectors: SectorRange
  /// The legs that failed.
  public let errorBits: LegBits
  public let legs: [Leg]
  /// From the request's start until all legs had ended, or missed their deadline.
  public let latencyMicroseconds: UInt64
}

extension MirrorSet {
  /// Tells of a request that failed; not called for one that did not.
  func report(
    _ outcome: LegOutcome, _ result: IOResult, _ operation: Operation, _ part: SectorRange,
    begin: UInt64
  ) {
    guard let onFailedRequest else { return }
    let now = Self.nanoseconds()
    let legs = zip(outcome.failures, result.failures).map { failure, region in
      let end = result.failureTime(region: region.regionIndex) ?? now
      return FailedRequest.Leg(
        index: failure.leg, error: failure.error,
        latencyMicroseconds: (max(end, begin) - begin) / 1000)
    }
    onFailedRequest(
      FailedRequest(
        operation: operation, sectors: part, errorBits: outcome.failed, legs: legs,
        latencyMicroseconds: (now - begin) / 1000))
  }

  /// The time now, where somebody will want to know.
  func beginOfRequest() -> UInt64 { onFailedRequest == nil ? 0 : Self.nanoseconds() }

  /// Nanoseconds of the clock that the engine notes failures by.
  private static func nanoseconds() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
