public import BlockIO

/// What a caller did wrong; no I/O has taken place and no error bit was set.
public enum IORequestError: Error, Hashable, Sendable {
  /// A read names one region at most (rule E3; the kernel's `-EIO`).
  case readOfSeveralRegions(count: Int)
  /// More regions than a request has error bits (rule E10).
  case tooManyRegions(count: Int)
  /// A vector or a page offset is not a multiple of 512 bytes (rule E11).
  case misaligned(byteCount: Int)
  /// The memory is shorter than the longest region (rule E12).
  case memoryTooShort(byteCount: Int, neededByteCount: Int)
  /// A destination is not as long as the source of the copy.
  case unequalCopy(regionIndex: Int)
  /// The client has no pool: ``IOClient/get(pages:)`` comes first (rule E15).
  case noPool
  /// ``IOClient/put(pages:)`` gives back more than was taken (rule E15).
  case unbalancedPut(pages: Int, heldPages: Int)
  /// The backend could not make a queue for a new thread: too many descriptors, no memory.
  case noQueue(Errno)
}

/// One request: an operation, up to 64 regions, and the memory they share.
///
/// The kernel's `struct dm_io_request` with its `num_regions` and `where`. Region i gets the first
/// `count` sectors of the same memory, whatever the other regions get (rule E2).
@safe public struct IORequest {
  /// Most regions in a request: one error bit each.
  public static let mostRegions = 64

  public var operation: Operation
  /// Owned by the caller, and read until the request has ended.
  public var regions: UnsafeBufferPointer<Region>
  /// Owned by the caller until the request has ended.
  public var memory: TransferMemory

  public init(
    _ operation: Operation, regions: UnsafeBufferPointer<Region>, memory: TransferMemory = .none
  ) {
    self.operation = operation
    unsafe self.regions = unsafe regions
    self.memory = memory
  }

  /// Refuses what dm-io crashes on, over-sends or answers with `-EIO`.
  func validate() throws(IORequestError) {
    let count = unsafe regions.count
    guard count <= Self.mostRegions else { throw .tooManyRegions(count: count) }
    guard operation.movesData else { return }
    if operation == .read, count > 1 { throw .readOfSeveralRegions(count: count) }
    var longest: UInt64 = 0
    for index in 0..<count {
      unsafe longest = max(longest, regions[index].sectors.count.rawValue)
    }
    try checkAlignment()
    let available = memory.byteCount
    // In sectors: a count can be too large for its bytes to be a number.
    guard longest <= UInt64(available / sectorByteCount) else {
      let (needed, isTooMany) = longest.multipliedReportingOverflow(by: UInt64(sectorByteCount))
      throw .memoryTooShort(
        byteCount: available, neededByteCount: isTooMany ? Int.max : Int(clamping: needed))
    }
  }

  private func checkAlignment() throws(IORequestError) {
    switch memory {
    case .none, .contiguous: return
    case .vectors(let vectors, let count):
      for index in 0..<count {
        let byteCount = unsafe vectors[index].count
        guard byteCount % sectorByteCount == 0 else { throw .misaligned(byteCount: byteCount) }
      }
    case .pages(_, _, let offset):
      guard offset % sectorByteCount == 0, (0..<TransferMemory.pageByteCount).contains(offset)
      else { throw .misaligned(byteCount: offset) }
    }
  }
}

/// Why one region of a request failed.
public struct RegionFailure: Hashable, Sendable {
  /// Which region of the request.
  public var regionIndex: Int
  /// The errno that its device gave.
  public var error: Errno

  public init(regionIndex: Int, error: Errno) {
    self.regionIndex = regionIndex
    self.error = error
  }
}

/// How a request ended: dm-io's error bits, and each failing region's errno beside them (rule E4).
public struct IOResult: Sendable {
  /// Bit i is set when at least one transfer of region i failed.
  public internal(set) var errorBits: ErrorBits = []
  /// One for each bit that is set, by rising index. Empty, and without allocation, on success.
  public var failures: [RegionFailure] { details?.failures ?? [] }
  /// The regions among them that missed their deadline and have not ended (rule M12).
  public internal(set) var lateBits: ErrorBits = []
  /// Nil on success. One reference, so that a result without failures is cheap to make and drop.
  private var details: Details?
  private final class Details: Sendable {
    let failures: [RegionFailure]
    /// In the same order.
    let times: [UInt64?]

    init(_ failures: [RegionFailure], _ times: [UInt64?]) {
      self.failures = failures
      self.times = times
    }
  }
  /// The lane's name for the request, while a region of it is late.
  var lateRequest = 0

  /// Whether every region succeeded. The kernel's sync form returns an error otherwise, even for
  /// one of many; that one good leg is enough is the caller's rule, not the engine's (rule E5).
  public var isSuccess: Bool { errorBits.isEmpty }

  /// The errno of one region; nil when it succeeded.
  public func error(region index: Int) -> Errno? {
    failures.first { $0.regionIndex == index }?.error
  }

  /// When a region failed, in nanoseconds of the monotonic clock; nil when it succeeded or is late.
  public func failureTime(region index: Int) -> UInt64? {
    failures.firstIndex { $0.regionIndex == index }.flatMap { details?.times[$0] }
  }

  /// Adds the failure of a region that had none.
  mutating func noteFailure(region index: Int, _ error: Errno, time: UInt64?) {
    errorBits.insert(index: index)
    var (failures, times) = (failures, details?.times ?? [])
    let place = failures.firstIndex { $0.regionIndex > index } ?? failures.count
    failures.insert(RegionFailure(regionIndex: index, error: error), at: place)
    times.insert(time, at: place)
    details = Details(failures, times)
  }

  /// Throws unless every region succeeded: the kernel's return value of the sync forms (rule E5).
  public func orThrow() throws(IOFailure) {
    if !isSuccess { throw IOFailure(result: self) }
  }
}

/// A request of which at least one region failed.
public struct IOFailure: Error, Sendable {
  public var result: IOResult
}
