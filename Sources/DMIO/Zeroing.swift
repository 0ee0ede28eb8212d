public import BlockIO

/// Regions that are to read as zeroes: the kernel's `dm_kcopyd_zero`.
///
/// The devices do it themselves where they can, in one request for the whole of all regions. Where
/// one cannot, zeroes are written to it, piece by piece and in the client's memory, like a copy.
/// The kernel writes to all destinations as soon as one of them cannot; here the others are spared.
extension CopyClient {
  /// Starts to zero regions and returns at once.
  ///
  /// - Parameters:
  ///   - destinations: at most 64, all of one length or empty; empty ones are passed by.
  ///   - ignoresErrors: whether zeroes are still written by hand behind a failure.
  ///   - notify: as that of ``start(from:to:ignoresErrors:notify:)``. There is never a read error.
  ///     A destination that cannot zero by itself has failed only if the writes did.
  /// - Throws: ``IORequestError/tooManyRegions(count:)``,
  ///   ``IORequestError/unequalCopy(regionIndex:)``; `notify` does not run then.
  public func start(
    zeroing destinations: [Region], ignoresErrors: Bool = false,
    notify: @escaping @Sendable (CopyResult) -> Void
  ) throws(IORequestError) {
    let count = destinations.first { !$0.sectors.isEmpty }?.sectors.count ?? SectorCount(0)
    try Self.check(destinations, count: count)
    let zeroing = Zeroing(
      client: self, destinations: destinations, count: count, ignoresErrors: ignoresErrors,
      notify: notify)
    // Without a throttle, or with nothing to do, there is nothing to ask.
    guard let throttle, count.rawValue > 0 else { return zeroing.begin() }
    throttle(count) { zeroing.begin() }
  }

  /// Zeroes regions and waits for the end.
  public func zero(
    _ destinations: [Region], ignoresErrors: Bool = false
  ) throws(IORequestError) -> CopyResult {
    try waited { (end) throws(IORequestError) in
      try start(zeroing: destinations, ignoresErrors: ignoresErrors, notify: end)
    }
  }

  /// Zeroes regions; the task is suspended meanwhile, and no thread is blocked.
  public func run(
    zeroing destinations: [Region], ignoresErrors: Bool = false
  ) async throws(IORequestError) -> CopyResult {
    try await awaited { (end) throws(IORequestError) in
      try start(zeroing: destinations, ignoresErrors: ignoresErrors, notify: end)
    }
  }
}

/// One zeroing on its way: first by the devices, then by hand.
private struct Zeroing: Sendable {
  let client: CopyClient
  let destinations: [Region]
  let count: SectorCount
  let ignoresErrors: Bool
  let notify: @Sendable (CopyResult) -> Void

  func begin() {
    let lists = RequestLists(regions: destinations, memory: .none)
    client.client.enqueue(lists.request(.writeZeroes)) { result in
      guard let result = withExtendedLifetime(lists, { result }) else {
        preconditionFailure("the copy client keeps its pool")
      }
      settle(result)
    }
  }

  /// Writes zeroes to the regions whose devices do not zero; other failures are the result's.
  private func settle(_ byDevices: IOResult) {
    let result = CopyResult(byDevices.failures.filter { !$0.error.isInability }, of: count)
    let unable = byDevices.failures.filter { $0.error.isInability }
    // After a failure nothing more is begun; `copiedCount` tells that not all of it is zero.
    guard !unable.isEmpty, result.isSuccess || ignoresErrors else { return notify(result) }
    var left = destinations.map { Region(device: $0.device, sectors: $0.sectors.none) }
    for failure in unable { left[failure.regionIndex] = destinations[failure.regionIndex] }
    CopyJob(client, from: .zeroes(count), to: left, ignoresErrors: ignoresErrors) { byHand in
      notify(result.adding(byHand))
    }.begin()
  }
}

extension CopyResult {
  /// What the devices made of it; where one of them failed, and how far it got, nobody knows.
  fileprivate init(_ failures: [RegionFailure], of count: SectorCount) {
    self.failures = failures
    for failure in failures { writeErrorBits.insert(index: failure.regionIndex) }
    copiedCount = failures.isEmpty ? count : SectorCount(0)
  }

  /// Both results in one; they are of different destinations.
  fileprivate func adding(_ other: CopyResult) -> CopyResult {
    var sum = self
    sum.writeErrorBits.formUnion(other.writeErrorBits)
    sum.failures = (failures + other.failures).sorted { $0.regionIndex < $1.regionIndex }
    sum.copiedCount = min(copiedCount, other.copiedCount)
    return sum
  }
}

extension SectorRange {
  fileprivate var none: SectorRange { SectorRange(first: first, count: SectorCount(0)) }
}

extension Errno {
  /// Whether a device or its file system says so that it knows no such operation.
  fileprivate var isInability: Bool { self == .notSupported || self == .invalid }
}
