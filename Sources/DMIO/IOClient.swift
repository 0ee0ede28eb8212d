public import BlockIO
internal import Synchronization

/// The kernel's `dm_io_client`: a pool of in-flight slots, and dm-io's services for any thread.
///
/// A request takes a slot of the pool for as long as it is under way and waits for one when there
/// is none; it never fails for want of memory. A pool per client keeps stacked users from starving
/// each other. All members are safe on any thread.
///
/// As dm-io, it knows no order between requests, no lock against overlap, no timeout and no retry
/// (rule E19): all of that is its user's.
public final class IOClient: Sendable {
  /// In-flight slots that one page of a pool holds (the kernel's `MIN_IOS` arithmetic, rule E15).
  public static let slotsPerPage = 4

  public let backend: any Backend
  private let memory: MemoryPool?
  private let slots = TokenPool()
  private let idleLanes = ConditionLock<[SharedLane]>([])
  private let dispatcher: AsyncDispatcher
  private let watch = DeadlineWatch()
  let resumptions = ConditionLock(0)

  /// A lane that threads use one after the other.
  private struct SharedLane: @unchecked Sendable {
    // Sendable: whoever took it out of `idleLanes` is the only one that has it.
    let lane: IOLane
  }

  /// A client without a pool; ``get(pages:)`` makes it usable.
  ///
  /// - Parameters:
  ///   - backend: makes the queues of its lanes.
  ///   - memory: what most of its requests will use. io_uring then holds those pages ready instead
  ///     of looking each up for each transfer, on every lane by itself and within half of
  ///     RLIMIT_MEMLOCK; where that is too little, nothing but the speed is another. The client
  ///     keeps the pool. Requests may use any other memory as well.
  public init(backend: any Backend, memory: MemoryPool? = nil) {
    self.backend = backend
    self.memory = memory
    dispatcher = AsyncDispatcher(backend: backend, watch: watch, memory: memory?.mapping)
  }

  /// A client with a pool: `dm_io_client_create` and `dm_io_get` in one.
  public convenience init(backend: any Backend, pages: Int, memory: MemoryPool? = nil) {
    self.init(backend: backend, memory: memory)
    get(pages: pages)
  }

  deinit {
    dispatcher.end()
    watch.end()
  }

  /// Requests that the pool lets be under way at once.
  public var slotCount: Int { slots.total }
  /// Requests that are under way now, and lanes that threads keep for themselves.
  public var inUseCount: Int { slots.inUse }

  /// Requests that have missed a deadline and have not ended (rule M12).
  public var lateCount: Int { watch.lateCount.load(ordering: .relaxed) }

  /// Grows the pool by what the caller expects to do I/O on at once: `dm_io_get`.
  ///
  /// Works while I/O is under way. Range: 1 page or more; anything less traps.
  public func get(pages: Int) {
    precondition(pages > 0, "a pool grows by whole pages")
    slots.grow(by: pages * Self.slotsPerPage)
  }

  /// Gives pages back: `dm_io_put`. The last put frees the pool once its requests have ended.
  ///
  /// - Throws: ``IORequestError/unbalancedPut(pages:heldPages:)`` for more than was taken.
  public func put(pages: Int) throws(IORequestError) {
    let (count, isTooMany) = pages.multipliedReportingOverflow(by: Self.slotsPerPage)
    guard !isTooMany, slots.shrink(by: count) else {
      throw .unbalancedPut(pages: pages, heldPages: slotCount / Self.slotsPerPage)
    }
    dropLanesOfFreedPool()
  }

  /// Makes a lane for the calling thread alone; it holds one slot until ``giveBack(_:)``.
  ///
  /// - Throws: ``IORequestError/noPool``, ``IORequestError/noQueue(_:)``.
  public func makeLane() throws(IORequestError) -> IOLane {
    try takeSlot()
    do {
      return try IOLane(
        backend: backend, isBoundToThread: true, watch: watch, memory: memory?.mapping)
    } catch {
      slots.giveBack()
      throw error
    }
  }

  /// Ends a lane of ``makeLane()``: its slot returns to the pool. On the lane's own thread.
  public func giveBack(_ lane: consuming IOLane) {
    precondition(lane.underWay == 0, "the lane has requests under way")
    slots.giveBack()
  }

  /// Lends the calling thread a lane; waits for a slot of the pool.
  ///
  /// - Throws: ``IORequestError/noPool``, ``IORequestError/noQueue(_:)``.
  public func withLane<R, E: Error>(
    _ body: (IOLane) throws(E) -> R
  ) throws(IORequestError) -> Result<R, E> {
    try takeSlot()
    defer { slots.giveBack() }
    let lane: IOLane
    if let idle = idleLanes.withLock({ $0.popLast() }) {
      lane = idle.lane
    } else {
      lane = try IOLane(
        backend: backend, isBoundToThread: false, watch: watch, memory: memory?.mapping)
    }
    defer { keep(lane) }
    do throws(E) {
      return .success(try body(lane))
    } catch {
      return .failure(error)
    }
  }

  /// Carries a request out on the calling thread and waits for its end: the `sync` services.
  ///
  /// Never returns while a transfer is under way (rule E9).
  public func perform(_ request: IORequest) throws(IORequestError) -> IOResult {
    try request.validate()
    return try withLane { (lane) throws(IORequestError) in try lane.perform(request) }.get()
  }

  /// Starts a request and returns: the `async` services. Waits only for a slot of the pool.
  ///
  /// `notify` runs exactly once, after all regions have ended, on the client's own thread, possibly
  /// before this call returns (rule E7). The slot is free again by then, so it may start the next
  /// request (rule E8): that never waits. What it should not do is wait for a request's end, which
  /// holds up all others of this client. Regions, lists and memory belong to the request until
  /// then. A request that the caller got wrong throws instead (rule E3).
  public func start(
    _ request: sending IORequest, notify: @escaping @Sendable (IOResult) -> Void
  ) throws(IORequestError) {
    try request.validate()
    try takeSlot()
    dispatcher.start(inSlot(request, notify))
  }

  /// Like ``start(_:notify:)``, but who has to wait for a slot waits in a line, not on a thread.
  ///
  /// Nil instead of a result: there is no pool, or it went while the request waited.
  func enqueue(_ request: sending IORequest, notify: @escaping @Sendable (IOResult?) -> Void) {
    let pending = inSlot(request, notify)
    slots.take { [dispatcher] isGranted in
      if isGranted { dispatcher.start(pending) } else { notify(nil) }
    }
  }

  /// The slot first, then the call (rule E8).
  private func inSlot(
    _ request: sending IORequest, _ notify: @escaping @Sendable (IOResult) -> Void
  ) -> PendingRequest {
    PendingRequest(request: request) { [self] result in
      slots.giveBack()
      notify(result)
    }
  }

  /// Puts a lent lane back for the next thread, once the requests that it was left with have ended.
  private func keep(_ lane: IOLane) {
    let shared = SharedLane(lane: lane)
    guard lane.lateCount == 0 else {
      // The caller must not wait for a device that hangs: somebody else does.
      let thread = IOThread(name: "dmio-late") { self.keepWhenEnded(shared) }
      return thread.detach()
    }
    keepWhenEnded(shared)
  }

  private func keepWhenEnded(_ shared: SharedLane) {
    while shared.lane.underWay > 0 { shared.lane.poll(waiting: true) }
    idleLanes.withLock { $0.append(shared) }
    dropLanesOfFreedPool()
  }

  private func dropLanesOfFreedPool() {
    if slotCount == 0 { idleLanes.withLock { $0.removeAll() } }
  }

  /// Takes a slot, waits for one if need be. The thread that runs notify functions never waits,
  /// because it is the one that frees slots: it takes the pool past its size for a while.
  private func takeSlot() throws(IORequestError) {
    guard slots.take(mayExceed: { dispatcher.isCurrent }) else { throw .noPool }
  }
}
