public import BlockIO

/// The kernel's `dm_kcopyd_client`: copies a region to as many as 64 others, or makes as many read
/// as zeroes, in bounded memory.
///
/// Copying goes piece by piece: each is read once and written to all destinations in one request,
/// and as many pieces as the client has memory for are under way at once, of all its jobs together;
/// jobs wait for memory in line. All members are safe on any thread.
///
/// As the engine below, it knows no order and no lock against overlap (rule E19): who copies keeps
/// others from writing source and destinations meanwhile, and does not copy a region onto itself.
public final class CopyClient: Sendable {
  /// Asked before each piece: calls `goOn` once, now or later, on any thread, when the piece may be
  /// copied. The kernel's `dm_kcopyd_throttle`.
  public typealias Throttle =
    @Sendable (SectorCount, _ goOn: @escaping @Sendable () -> Void) -> Void

  let client: IOClient
  let memory: MemoryPool
  let throttle: Throttle?

  /// - Parameters:
  ///   - backend: its queues are made by the client's own thread.
  ///   - pieceByteCount: bytes of a piece, rounded up to pages; the kernel's are of 512 KiB, too.
  ///   - pieceCount: pieces under way at once, the memory that the client ever uses.
  ///   - throttle: none, and every piece starts as soon as there is memory for it.
  /// - Throws: ENOMEM.
  public init(
    backend: any Backend, pieceByteCount: Int = 512 << 10, pieceCount: Int = 8,
    throttle: Throttle? = nil
  ) throws(Errno) {
    memory = try MemoryPool(pieceByteCount: pieceByteCount, pieceCount: pieceCount)
    // A piece has one request under way, so nothing waits for a slot.
    let slots = IOClient.slotsPerPage
    client = IOClient(backend: backend, pages: (pieceCount + slots - 1) / slots, memory: memory)
    self.throttle = throttle
  }

  /// Pieces of memory that copies have now.
  public var usedPieceCount: Int { memory.inUseCount }

  /// Starts a copy and returns at once: `dm_kcopyd_copy`.
  ///
  /// - Parameters:
  ///   - source: read once, piece by piece.
  ///   - destinations: at most 64, each as long as the source or empty; empty ones are passed by.
  ///   - ignoresErrors: whether to go on behind a failure (`DM_KCOPYD_IGNORE_ERROR`). What could
  ///     not be read is not written then; otherwise no piece is begun after a failure.
  ///   - notify: the kernel's `dm_kcopyd_notify_fn`. Runs exactly once, when nothing of the copy is
  ///     under way any more, on a thread of the client or, when there is nothing to copy, on the
  ///     caller's. It may start the next copy, and must not wait for one.
  /// - Throws: ``IORequestError/tooManyRegions(count:)``,
  ///   ``IORequestError/unequalCopy(regionIndex:)``; `notify` does not run then.
  public func start(
    from source: Region, to destinations: [Region], ignoresErrors: Bool = false,
    notify: @escaping @Sendable (CopyResult) -> Void
  ) throws(IORequestError) {
    try Self.check(destinations, count: source.sectors.count)
    CopyJob(
      self, from: .region(source), to: destinations, ignoresErrors: ignoresErrors, notify: notify
    ).begin()
  }

  static func check(_ destinations: [Region], count: SectorCount) throws(IORequestError) {
    guard destinations.count <= IORequest.mostRegions else {
      throw .tooManyRegions(count: destinations.count)
    }
    for (index, destination) in destinations.enumerated()
    where !destination.sectors.isEmpty && destination.sectors.count != count {
      throw .unequalCopy(regionIndex: index)
    }
  }

  /// Copies and waits for the end.
  public func copy(
    from source: Region, to destinations: [Region], ignoresErrors: Bool = false
  ) throws(IORequestError) -> CopyResult {
    try waited { (end) throws(IORequestError) in
      try start(from: source, to: destinations, ignoresErrors: ignoresErrors, notify: end)
    }
  }

  /// Copies; the task is suspended meanwhile, and no thread is blocked.
  public func run(
    from source: Region, to destinations: [Region], ignoresErrors: Bool = false
  ) async throws(IORequestError) -> CopyResult {
    try await awaited { (end) throws(IORequestError) in
      try start(from: source, to: destinations, ignoresErrors: ignoresErrors, notify: end)
    }
  }

  /// What starts a copy and has the end told to a closure.
  typealias Start = (@escaping @Sendable (CopyResult) -> Void) throws(IORequestError) -> Void

  /// Blocks the calling thread until what `start` starts has ended.
  func waited(for start: Start) throws(IORequestError) -> CopyResult {
    let ended = ConditionLock<CopyResult?>(nil)
    try start { result in
      ended.withLock { $0 = result }
      ended.wakeAll()
    }
    return ended.wait { $0 }
  }

  /// Suspends the task until what `start` starts has ended.
  func awaited(for start: Start) async throws(IORequestError) -> CopyResult {
    let outcome: Result<CopyResult, IORequestError> = await suspended(order: client.resumptions) {
      end in
      do throws(IORequestError) {
        try start { end(.success($0)) }
      } catch {
        end(.failure(error))
      }
    }
    return try outcome.get()
  }
}

/// How a copy or a zeroing ended: read and write errors apart, as the kernel's `read_err` and
/// `write_err`.
public struct CopyResult: Sendable {
  /// The errno of the first piece that could not be read.
  public internal(set) var readError: Errno?
  /// Bit i is set when at least one piece could not be written to destination i.
  public internal(set) var writeErrorBits: ErrorBits = []
  /// The first errno of each of them, by rising index.
  public internal(set) var failures: [RegionFailure] = []
  /// Sectors from the start that are on every destination: where to go on after a failure.
  public internal(set) var copiedCount = SectorCount(0)

  /// Whether every sector is on every destination.
  public var isSuccess: Bool { readError == nil && writeErrorBits.isEmpty }
}
