internal import BlockIO
internal import CLinux
internal import CURing
internal import Glibc

/// One thread's ring.
///
/// The kernel counterpart is one `io_context`. Bound to a thread, the ring is made for one issuer
/// with deferred task work where the kernel knows that, so completions are handled when this thread
/// asks for them and never interrupt it. Safe: the pointers live from init to deinit and never
/// leave; what every transfer changes is not checked for exclusive access at run time, because no
/// access to it lasts longer than an operator.
@safe final class UringQueue: TransferQueue {
  let capacity = 128
  @safe @exclusivity(unchecked) private(set) var underWay = 0
  /// Those of them that go to a device which does not answer at memory speed.
  @safe @exclusivity(unchecked) private var slowCount = 0
  var mayWait: Bool { slowCount > 0 }

  private let ring: UnsafeMutablePointer<io_uring>
  private let slots: [TransferProgress]
  @safe @exclusivity(unchecked) private var freeSlots: [Int]
  /// Submitted transfers that are made by system calls, once the ring has got its share.
  @safe @exclusivity(unchecked) private var quick: [Int] = []
  /// For transfers that go past the queue.
  private let passing = TransferProgress()
  @safe @exclusivity(unchecked) private var unsubmittedCount = 0
  @safe @exclusivity(unchecked) private var inRingCount = 0
  /// Written by ``wake()``; the ring polls it. It does not read it: that would leave a pointer of
  /// ours with the kernel after the ring is gone.
  private let wakeDescriptor: CInt
  /// Polls of it that are under way: as many as the most completions that were waited for, because
  /// one wake-up has to end such a wait.
  private var watchCount = 0
  /// A wake-up that arrived and that no wait has used up yet.
  private var isWoken = false
  /// Memory whose pages the ring holds. Kept, so that no other memory comes to lie at its address:
  /// a transfer there would go to the pages that lay there before.
  private var registered: PageMapping?

  private static let wakeTag = UInt64.max

  init(isBoundToThread: Bool) throws(Errno) {
    unsafe ring = .allocate(capacity: 1)
    wakeDescriptor = linux_eventfd()
    guard wakeDescriptor >= 0 else {
      let refusal = Errno.last
      unsafe ring.deallocate()
      throw refusal
    }
    let failed = unsafe Self.makeRing(ring, isBoundToThread: isBoundToThread)
    guard failed == 0 else {
      close(wakeDescriptor)
      unsafe ring.deallocate()
      throw Errno(-failed)
    }
    slots = (0..<128).map { _ in TransferProgress() }
    freeSlots = Array((0..<128).reversed())
  }

  deinit {
    // The kernel closes a ring without waiting for its transfers, which would then write into
    // memory that is somebody else's by now.
    precondition(underWay == 0, "a queue ends with transfers under way")
    unsafe io_uring_queue_exit(ring)
    if let registered { unsafe Self.letGo(registered.bytes.count) }
    close(wakeDescriptor)
    unsafe ring.deallocate()
  }

  func submit(_ transfer: Transfer) {
    guard let slot = freeSlots.popLast() else { preconditionFailure("the queue is full") }
    slots[slot].begin(transfer)
    underWay += 1
    if transfer.device.latency != .memory { slowCount += 1 }
    if Self.isQuick(transfer) { quick.append(slot) } else { prepare(slot) }
  }

  func mayPass(to device: Device) -> Bool { device.latency == .memory }

  func perform(_ transfer: Transfer) -> TransferResult { SystemCalls.perform(transfer, passing) }

  func reap(waiting: Bool, into results: inout [TransferResult]) {
    reap(waitingFor: waiting ? 1 : 0, into: &results)
  }

  func reap(waitingFor count: Int, into results: inout [TransferResult]) {
    let (before, waiting) = (results.count, count > 0)
    if !quick.isEmpty {
      enter(waitingFor: 0)
      for slot in quick {
        results.append(SystemCalls.perform(slots[slot]))
        release(slot)
      }
      quick.removeAll(keepingCapacity: true)
    }
    if waiting, !isWoken, results.count == before {
      wait(for: count, into: &results)
    } else {
      collect(asking: true, into: &results)
    }
    if waiting { isWoken = false }
    // What a transfer still lacks, and what was prepared before a look.
    enter(waitingFor: 0)
  }

  /// One system call hands over what was prepared, lets the kernel finish what it has put off, and
  /// waits, unless there are completions already.
  private func wait(for count: Int, into results: inout [TransferResult]) {
    let before = results.count
    while results.count == before, !isWoken {
      let wanted = max(1, min(count, inRingCount))
      watchWake(wanted)
      enter(waitingFor: wanted)
      collect(asking: false, into: &results)
    }
  }

  func wake() {
    var one: UInt64 = 1
    unsafe _ = write(wakeDescriptor, &one, MemoryLayout<UInt64>.size)
  }

  func adopt(_ memory: PageMapping) {
    precondition(registered == nil, "a queue adopts memory once")
    // Where it is refused, transfers are made as if nobody had asked.
    if unsafe Self.hold(memory.bytes, by: ring) { registered = memory }
  }

  /// Whether the pages of these bytes are held by the ring.
  private func isRegistered(_ address: UnsafeMutableRawPointer, _ byteCount: Int) -> Bool {
    guard let bytes = unsafe registered?.bytes, let base = bytes.baseAddress else { return false }
    let start = Int(bitPattern: address) - Int(bitPattern: base)
    return start >= 0 && start <= bytes.count - byteCount
  }

  private func release(_ slot: Int) {
    freeSlots.append(slot)
    underWay -= 1
    if slots[slot].transfer.device.latency != .memory { slowCount -= 1 }
  }

  /// Takes the completions that have arrived.
  ///
  /// - Parameter asking: whether to have the kernel finish what it has put off, a system call.
  private func collect(asking: Bool, into results: inout [TransferResult]) {
    guard inRingCount > 0 || watchCount > 0 else { return }
    var entry: UnsafeMutablePointer<io_uring_cqe>?
    while unsafe asking || io_uring_cq_ready(ring) > 0 {
      guard unsafe io_uring_peek_cqe(ring, &entry) == 0, let completion = unsafe entry else {
        return
      }
      let (tag, returned) = unsafe (completion.pointee.user_data, Int(completion.pointee.res))
      unsafe io_uring_cqe_seen(ring, completion)
      take(tag, returned, into: &results)
    }
  }

  private func take(_ tag: UInt64, _ returned: Int, into results: inout [TransferResult]) {
    if tag == Self.wakeTag {
      watchCount -= 1
      // A negative result: the thread that set the watch has ended, and its watch with it.
      if returned > 0 { takeWakeUps() }
      return
    }
    let slot = Int(tag)
    inRingCount -= 1
    if let result = slots[slot].finishStep(returned) {
      results.append(result)
      release(slot)
    } else {
      prepare(slot)
    }
  }

  private func takeWakeUps() {
    // Each of the polls tells of it; the first reads it.
    var count: UInt64 = 0
    if unsafe read(wakeDescriptor, &count, MemoryLayout<UInt64>.size) > 0 { isWoken = true }
  }

  /// Gives the kernel what was prepared, and waits for so many completions.
  private func enter(waitingFor count: Int) {
    guard count > 0 || unsubmittedCount > 0 else { return }
    let returned =
      unsafe count > 0 ? io_uring_submit_and_wait(ring, UInt32(count)) : io_uring_submit(ring)
    // EINTR, EAGAIN and EBUSY leave the rest prepared; the caller comes back for it.
    if returned > 0 { unsubmittedCount = max(0, unsubmittedCount - Int(returned)) }
    precondition(
      returned >= 0 || [-EINTR, -EAGAIN, -EBUSY, -ENOMEM].contains(returned),
      "io_uring_enter refuses the ring")
  }

  private func submissionEntry() -> UnsafeMutablePointer<io_uring_sqe> {
    while true {
      if let entry = unsafe io_uring_get_sqe(ring) {
        unsubmittedCount += 1
        return unsafe entry
      }
      enter(waitingFor: 0)
    }
  }

  private func watchWake(_ count: Int) {
    while watchCount < count {
      watchCount += 1
      let entry = unsafe submissionEntry()
      unsafe io_uring_prep_poll_add(entry, wakeDescriptor, UInt32(POLLIN))
      unsafe entry.pointee.user_data = Self.wakeTag
    }
  }

  private func prepare(_ slot: Int) {
    let progress = slots[slot]
    let descriptor = progress.transfer.device.descriptor
    let entry = unsafe submissionEntry()
    inRingCount += 1
    switch progress.nextStep() {
    case .read(let address, let byteCount, let offset)
    where unsafe isRegistered(address, byteCount):
      unsafe io_uring_prep_read_fixed(entry, descriptor, address, UInt32(byteCount), offset, 0)
    case .write(let address, let byteCount, let offset)
    where unsafe isRegistered(address, byteCount):
      unsafe io_uring_prep_write_fixed(entry, descriptor, address, UInt32(byteCount), offset, 0)
    case .read(let address, let byteCount, let offset):
      unsafe io_uring_prep_read(entry, descriptor, address, UInt32(byteCount), offset)
    case .write(let address, let byteCount, let offset):
      unsafe io_uring_prep_write(entry, descriptor, address, UInt32(byteCount), offset)
    case .readVectors(let vectors, let count, let offset):
      unsafe io_uring_prep_readv(entry, descriptor, vectors, UInt32(count), offset)
    case .writeVectors(let vectors, let count, let offset, let isDurable):
      unsafe io_uring_prep_writev2(
        entry, descriptor, vectors, UInt32(count), offset, isDurable ? Self.durable : 0)
    case .flush:
      unsafe io_uring_prep_fsync(entry, descriptor, UInt32(IORING_FSYNC_DATASYNC))
    case .allocate(let mode, let offset, let byteCount):
      unsafe io_uring_prep_fallocate(entry, descriptor, mode, off_t(offset), off_t(byteCount))
    case .discardBlocks:
      preconditionFailure("a discard of blocks is made by a system call")
    }
    unsafe entry.pointee.user_data = UInt64(slot)
  }

  /// What the ring would only hand to a kernel thread, or does not know.
  private static func isQuick(_ transfer: Transfer) -> Bool {
    switch transfer.operation {
    case .discard: return true
    case .flush, .writeThrough, .writeZeroes, .writeZeroesReserved:
      return transfer.device.latency == .memory
    case .read, .write:
      return transfer.device.latency != .device
    }
  }
}
