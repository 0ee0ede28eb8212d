public import BlockIO
internal import Glibc
internal import Synchronization

/// One thread's private way through the engine: a transfer queue and slots for its requests.
///
/// A lane belongs to one thread at a time. Whoever starts a request also reaps it, so nothing is
/// handed over between threads and no lock is taken. Threads without a lane of their own use the
/// services of ``IOClient``, which lends them one.
@safe public final class IOLane {
  // Safe: `reaped` is made in init, freed in deinit, and leaves for the length of a reap alone.
  /// Called exactly once when a request has ended, after all its regions (rule E7): by
  /// ``start(_:notify:)`` itself if there was nothing to transfer, else by ``poll(waiting:)``.
  /// The kernel's `io_notify_fn`; its context is what the closure captures.
  public typealias Notify = (IOResult) -> Void

  private struct Slot {
    /// Transfers that have not ended, and one more while dispatch hands them out.
    var pendingCount = 0
    var operation = Operation.flush
    var errorBits: ErrorBits = []
    var memory = TransferMemory.none
    var notify: Notify?
    /// What a read wants; the part that fails is zeroed (rule E6).
    var readByteCount = 0
    /// For the sync form, which has no notify function: the result may be taken.
    var isDone = false
    /// Regions with a transfer that has not ended.
    var pendingBits: ErrorBits = []
    /// One errno a region; valid where the error bit is set.
    var errorNumbers = InlineArray<64, CInt>(repeating: 0)
  }

  /// Requests under way for which there is room at first.
  private static let usualSlotCount = 32

  private let queue: any TransferQueue
  private let slots = Slab(capacity: IOLane.usualSlotCount) { Slot() }
  /// In memory of its own for the reason that ``Slab`` gives.
  private let reaped: UnsafeMutablePointer<[TransferResult]>
  private var takenCount = 0
  /// When transfers failed, in nanoseconds, by tag, until their request's result is taken.
  private var failureTimes: [UInt64: UInt64] = [:]

  private let watch: DeadlineWatch
  private let alarm: DeadlineWatch.Alarm
  /// Requests that missed a deadline and have not ended (rule M12).
  public var lateCount: Int { late.count }
  /// Requests that ever missed one: who sees the number unchanged knows that none did meanwhile.
  public var lateTotal: Int { late.total }
  // Not checked for exclusive access, because every request looks at it. Safe: no access lasts.
  @safe @exclusivity(unchecked) private var late = (count: 0, total: 0)
  /// What their memory is given back by.
  private var afterLate: [() -> Void] = []

  /// - Parameter memory: what most requests will use.
  /// - Throws: ``IORequestError/noQueue(_:)`` when the backend has no queue to give.
  init(
    backend: any Backend, isBoundToThread: Bool, watch: DeadlineWatch, memory: PageMapping?
  ) throws(IORequestError) {
    do {
      queue = try backend.makeQueue(isBoundToThread: isBoundToThread)
    } catch {
      throw .noQueue(error)
    }
    if let memory { queue.adopt(memory) }
    self.watch = watch
    alarm = watch.add(queue)
    unsafe reaped = .allocate(capacity: 1)
    unsafe reaped.initialize(to: [])
    unsafe reaped.pointee.reserveCapacity(queue.capacity)
  }

  deinit {
    precondition(underWay == 0, "a lane ends with requests under way")
    watch.remove(alarm)
    unsafe reaped.deinitialize(count: 1).deallocate()
  }

  /// Called before the lane's thread waits for a device, so that its owner can see to it that
  /// somebody else does the owner's other work meanwhile.
  public var willWait: (() -> Void)?

  /// Whether those who use the lane must give up, with EAGAIN and before they have changed
  /// anything, where they would have to wait: for a device, or for another thread. The lane itself
  /// does not look at it. The kernel's `IOCB_NOWAIT`.
  @safe @exclusivity(unchecked) public var mustNotWait = false

  /// To be called by its user before a wait, while nothing has been changed.
  ///
  /// - Throws: EAGAIN where the lane must not wait.
  public func prepareToWait() throws(Errno) {
    if mustNotWait { throw .wouldBlock }
    willWait?()
  }

  /// Whether requests to all of these are carried out on the calling thread, without a wait for any
  /// device. Changes when faults are rehearsed.
  public func servesAtOnce(_ regions: [Region]) -> Bool {
    underWay == 0 && regions.allSatisfy { queue.mayPass(to: $0.device) }
  }

  /// How many requests are under way.
  public var underWay: Int { slots.takenCount }

  /// Carries a request out and waits for its end: `dm_io` without a notify function.
  ///
  /// Never returns while a transfer is under way (rule E9). Notify functions of requests started
  /// earlier on this lane may run meanwhile.
  public func perform(_ request: IORequest) throws(IORequestError) -> IOResult {
    try request.validate()
    if let result = performAtOnce(request) { return result }
    let slot = begin(request)
    while !slots[slot].isDone { poll(for: slot) }
    return end(slot)
  }

  /// Carries out, without a slot and past the queue, a request to devices that answer at memory
  /// speed; nil, and nothing done, for all others.
  func performAtOnce(_ request: IORequest) -> IOResult? {
    // What was started before must not wait until its starter polls.
    guard underWay == 0 else { return nil }
    let operation = request.operation
    for index in unsafe 0..<request.regions.count {
      guard unsafe queue.mayPass(to: request.regions[index].device),
        unsafe operation == .flush || request.regions[index].isWithinDevice
      else { return nil }
    }
    var result = IOResult()
    for index in unsafe 0..<request.regions.count {
      let region = unsafe request.regions[index]
      if region.sectors.isEmpty, operation != .flush { continue }
      let transfer = Transfer(operation, region, request.memory, tag: UInt64(index))
      let ended = queue.perform(transfer)
      guard ended.errorNumber != 0 else { continue }
      result.noteFailure(
        region: index, Errno(ended.errorNumber), time: DeadlineWatch.nanoseconds())
      if operation == .read {
        Self.zero(request.memory, from: ended.byteCount, upTo: transfer.byteCount)
      }
    }
    return result
  }

  /// Hands the transfers of a request without a notify function to the queue.
  func begin(_ request: IORequest) -> Int {
    let slot = slots.take()
    dispatch(request, slot: slot)
    return slot
  }

  /// Takes the result of a request that is done.
  func end(_ slot: Int) -> IOResult {
    let result = takeResult(slot)
    release(slot)
    return result
  }

  func isDone(_ slot: Int) -> Bool { slots[slot].isDone }
  func pendingBits(_ slot: Int) -> ErrorBits { slots[slot].pendingBits }
  var mayWait: Bool { queue.mayWait }
  func beginAlarm(_ due: UInt64) { watch.begin(alarm, due: due) }
  func endAlarm() { watch.end(alarm) }

  /// Leaves a request to end by itself; what has not ended yet counts as failed.
  func abandon(_ slot: Int) -> IOResult {
    let lateBits = slots[slot].pendingBits
    var result = takeResult(slot)
    for index in 0..<IORequest.mostRegions where lateBits.contains(index: index) {
      result.noteFailure(region: index, .timedOut, time: nil)
    }
    result.lateBits = lateBits
    result.lateRequest = slot
    late.count += 1
    late.total += 1
    watch.lateCount.wrappingAdd(1, ordering: .relaxed)
    slots[slot].notify = { [unowned self] _ in endLate() }
    return result
  }

  /// Calls `body` on the lane's thread, by way of ``poll(waiting:)``, when all late transfers of a
  /// request have ended. Right after the request, and once.
  public func whenLateEnds(_ result: IOResult, _ body: @escaping () -> Void) {
    guard !result.lateBits.isEmpty else { return }
    slots[result.lateRequest].notify = { [unowned self] _ in
      body()
      endLate()
    }
  }

  /// Calls `body`, which frees memory that a late request may still use, when there is none left.
  public func afterLateRequests(_ body: @escaping () -> Void) {
    if lateCount == 0 { body() } else { afterLate.append(body) }
  }

  private func endLate() {
    late.count -= 1
    watch.lateCount.wrappingSubtract(1, ordering: .relaxed)
    guard lateCount == 0 else { return }
    let bodies = afterLate
    afterLate = []
    for body in bodies { body() }
  }

  /// Starts a request: `dm_io` with a notify function.
  ///
  /// The devices get to work with the next ``poll(waiting:)``, so that several requests share one
  /// system call. A request that the caller got wrong throws, and `notify` is not called.
  public func start(_ request: IORequest, notify: @escaping Notify) throws(IORequestError) {
    try request.validate()
    let slot = slots.take()
    slots[slot].notify = notify
    dispatch(request, slot: slot)
  }

  /// Takes the transfers that have ended and finishes their requests.
  ///
  /// - Parameter waiting: whether to wait for at least one transfer, or for another
  ///   thread that wakes the lane.
  public func poll(waiting: Bool) { poll(waitingFor: waiting ? 1 : 0) }

  /// As a waiting ``poll(waiting:)``, for a caller that needs the end of this request.
  func poll(for slot: Int) {
    // Only where nobody else waits for what ends on the way.
    poll(waitingFor: slots.takenCount == 1 ? slots[slot].pendingCount : 1)
  }

  private func poll(waitingFor count: Int) {
    if unsafe takenCount == reaped.pointee.count {
      unsafe reaped.pointee.removeAll(keepingCapacity: true)
      takenCount = 0
      if count > 0, queue.mayWait { willWait?() }
      if count > 1 {
        unsafe queue.reap(waitingFor: count, into: &reaped.pointee)
      } else {
        unsafe queue.reap(waiting: count == 1, into: &reaped.pointee)
      }
    }
    // One by one and never through an iterator: a notify function may poll, too.
    while unsafe takenCount < reaped.pointee.count {
      let result = unsafe reaped.pointee[takenCount]
      takenCount += 1
      finish(result)
    }
  }

  /// Makes a waiting ``poll(waiting:)`` return. Any thread.
  func wake() { queue.wake() }

  private func release(_ slot: Int) {
    slots[slot].errorBits = []
    slots[slot].pendingBits = []
    slots[slot].notify = nil
    slots[slot].isDone = false
    slots.giveBack(slot)
  }

  private func dispatch(_ request: IORequest, slot: Int) {
    let operation = request.operation
    slots[slot].operation = operation
    slots[slot].memory = request.memory
    slots[slot].pendingCount = 1
    if operation == .read {
      unsafe slots[slot].readByteCount = Int(request.regions.first?.sectors.count.byteCount ?? 0)
    }
    for index in unsafe 0..<request.regions.count {
      let region = unsafe request.regions[index]
      if region.sectors.isEmpty, operation != .flush { continue }
      guard operation == .flush || region.isWithinDevice else {
        let errorNumber = operation == .read ? EIO : ENOSPC
        fail(slot, region: index, errorNumber: errorNumber, doneByteCount: 0)
        continue
      }
      while queue.underWay == queue.capacity { makeRoom() }
      slots[slot].pendingCount += 1
      slots[slot].pendingBits.insert(index: index)
      queue.submit(
        Transfer(operation, region, request.memory, tag: UInt64(slot) << 8 | UInt64(index)))
    }
    endTransfer(of: slot)
  }

  /// Ends at least one transfer. The look first hands all of them to their devices, so that the
  /// wait ends with the fastest.
  private func makeRoom() {
    poll(waiting: false)
    if queue.underWay == queue.capacity { poll(waiting: true) }
  }

  private func finish(_ result: TransferResult) {
    let slot = Int(result.tag >> 8)
    slots[slot].pendingBits.remove(ErrorBits(index: Int(result.tag & 0xff)))
    if result.errorNumber != 0 {
      fail(
        slot, region: Int(result.tag & 0xff), errorNumber: result.errorNumber,
        doneByteCount: result.byteCount)
    }
    endTransfer(of: slot)
  }

  private func fail(_ slot: Int, region: Int, errorNumber: CInt, doneByteCount: Int) {
    slots[slot].errorBits.insert(index: region)
    slots[slot].errorNumbers[region] = errorNumber
    failureTimes[UInt64(slot) << 8 | UInt64(region)] = DeadlineWatch.nanoseconds()
    guard slots[slot].operation == .read else { return }
    Self.zero(slots[slot].memory, from: doneByteCount, upTo: slots[slot].readByteCount)
  }

  /// Leaves nothing in memory that a failed read did not bring (rule E6).
  private static func zero(_ memory: TransferMemory, from done: Int, upTo end: Int) {
    var cursor = MemoryCursor(memory)
    cursor.advance(by: done)
    cursor.zero(byteCount: end - done)
  }

  private func endTransfer(of slot: Int) {
    slots[slot].pendingCount -= 1
    guard slots[slot].pendingCount == 0 else { return }
    guard let notify = slots[slot].notify else {
      slots[slot].isDone = true
      return
    }
    let result = takeResult(slot)
    // The slot first, then the call: a notify function may start the next request (rule E8).
    release(slot)
    notify(result)
  }

  private func takeResult(_ slot: Int) -> IOResult {
    var result = IOResult()
    let failed = slots[slot].errorBits
    guard !failed.isEmpty else { return result }
    for index in 0..<IORequest.mostRegions where failed.contains(index: index) {
      result.noteFailure(
        region: index, Errno(slots[slot].errorNumbers[index]),
        time: failureTimes.removeValue(forKey: UInt64(slot) << 8 | UInt64(index)))
    }
    return result
  }
}

extension Transfer {
  /// What one region of a request asks of its device.
  fileprivate init(_ operation: Operation, _ region: Region, _ memory: TransferMemory, tag: UInt64)
  {
    // A flush names a device, not sectors.
    let isFlush = operation == .flush
    self.init(
      tag: tag, operation: operation, device: region.device,
      byteOffset: isFlush ? 0 : region.sectors.first.byteOffset,
      byteCount: isFlush ? 0 : Int(region.sectors.count.byteCount), memory: memory)
  }
}
