public import BlockIO
internal import CLinux
internal import CURing
internal import Glibc

/// One thread's seat at one of the kernel's queues of FUSE requests (FUSE over io_uring).
///
/// A seat takes one request at a time: the kernel copies it into the seat's memory, the thread
/// answers it there, and answering asks for the next one in the same system call. The kernel has a
/// queue for each processor, and gives a request to any seat of the queue of the processor that it
/// came from. The kernel counterpart is one `fuse_ring_ent`.
///
/// A seat belongs to the thread that made it. It ends after its mount, because the kernel may use
/// its memory until then.
@safe public final class RingSeat {
  // Safe: ring and header live from init to deinit, and are only lent to the seat's own thread.

  /// What ``exchange(atMostMilliseconds:)`` came back with.
  public enum Arrival {
    /// A request, in the seat's memory.
    case request
    /// None within the time given.
    case nothing
    /// The mount is gone, or the kernel does not want the seat.
    case over(Errno)
  }

  private let descriptor: CInt
  private let queue: UInt16
  private let ring: UnsafeMutablePointer<io_uring>
  private let header: UnsafeMutablePointer<mirrorfs_ring_header>
  private let memory: TwinMemory
  /// Whether to look for the next request before sleeping.
  private var patience = SpinPatience(
    isPossible: sysconf(CInt(_SC_NPROCESSORS_ONLN)) > 1)
  /// A request was fetched and its answer has not been given to the kernel.
  private var owesAnswer = false

  /// - Parameters:
  ///   - descriptor: of /dev/fuse; stays open as long as the seat lives.
  ///   - queue: the number of the processor whose requests it takes.
  ///   - payloadByteCount: at least what the largest request carries.
  /// - Throws: the errno of what the kernel refused.
  public init(descriptor: CInt, queue: Int, payloadByteCount: Int) throws(Errno) {
    self.descriptor = descriptor
    self.queue = UInt16(queue)
    memory = try TwinMemory(byteCount: payloadByteCount)
    unsafe ring = .allocate(capacity: 1)
    unsafe header = .allocate(capacity: 1)
    unsafe header.initialize(to: mirrorfs_ring_header())
    let failed = unsafe Self.makeRing(ring)
    guard failed == 0 else {
      unsafe ring.deallocate()
      unsafe header.deallocate()
      throw Errno(-failed)
    }
  }

  deinit {
    unsafe io_uring_queue_exit(ring)
    unsafe ring.deallocate()
    unsafe header.deallocate()
  }

  /// Whether rings as seats need them can be had: nil, or the errno of the refusal.
  public static func refusal() -> Errno? {
    var ring = unsafe io_uring()
    let failed = unsafe makeRing(&ring)
    guard failed == 0 else { return Errno(-failed) }
    unsafe io_uring_queue_exit(&ring)
    return nil
  }

  /// Queues that the kernel keeps: each needs a seat before it hands out anything.
  public static func queueCount() -> Int { Int(linux_possible_processor_count()) }

  /// One entry, of the size in which commands for a device fit. Completions are handled when the
  /// thread asks for them, and never interrupt it.
  private static func makeRing(_ ring: UnsafeMutablePointer<io_uring>) -> CInt {
    let flags =
      UInt32(IORING_SETUP_SQE128) | UInt32(IORING_SETUP_SINGLE_ISSUER)
      | UInt32(IORING_SETUP_DEFER_TASKRUN) | UInt32(IORING_SETUP_TASKRUN_FLAG)
    return unsafe io_uring_queue_init(1, ring, flags)
  }

  /// Takes the seat. Once, before the first ``exchange(atMostMilliseconds:)``.
  ///
  /// - Throws: the errno of the kernel, which then hands out all requests on /dev/fuse.
  public func take() throws(Errno) {
    var pieces = unsafe (
      iovec(iov_base: header, iov_len: MemoryLayout<mirrorfs_ring_header>.size),
      iovec(iov_base: memory.kernelSide, iov_len: memory.byteCount)
    )
    let entry = unsafe freeEntry()
    let submitted = unsafe withUnsafePointer(to: &pieces) { pieces in
      unsafe pieces.withMemoryRebound(to: iovec.self, capacity: 2) {
        unsafe mirrorfs_prepare_ring_register(entry, descriptor, queue, $0)
        return unsafe io_uring_submit(ring)
      }
    }
    guard submitted == 1 else { throw Errno(-submitted) }
    // It is answered at once only when it was refused, or with the first request.
    var completion: UnsafeMutablePointer<io_uring_cqe>?
    if unsafe io_uring_peek_cqe(ring, &completion) == 0, let completion = unsafe completion,
      unsafe completion.pointee.res < 0
    {
      throw unsafe Errno(-completion.pointee.res)
    }
  }

  /// Gives the kernel the answer that was prepared, and waits for the next request.
  ///
  /// - Parameter milliseconds: how long; nil: until there is one.
  public func exchange(atMostMilliseconds milliseconds: Int? = nil) -> Arrival {
    if owesAnswer {
      owesAnswer = false
      let entry = unsafe freeEntry()
      unsafe mirrorfs_prepare_ring_commit(
        entry, descriptor, queue, header.pointee.commit_number)
    }
    var completion: UnsafeMutablePointer<io_uring_cqe>?
    while true {
      let returned = unsafe wait(&completion, milliseconds)
      if let completion = unsafe completion {
        let result = unsafe completion.pointee.res
        unsafe io_uring_cqe_seen(ring, completion)
        guard result >= 0 else { return .over(Errno(-result)) }
        owesAnswer = true
        return .request
      }
      switch -returned {
      case ETIME: return .nothing
      case EINTR, EAGAIN, EBUSY: continue
      case ...0: continue
      default: return .over(Errno(-returned))
      }
    }
  }

  private func wait(
    _ completion: inout UnsafeMutablePointer<io_uring_cqe>?, _ milliseconds: Int?
  ) -> CInt {
    guard let milliseconds else {
      var returned: CInt
      if patience.isWorthSpinning {
        returned = unsafe io_uring_submit(ring)
        guard returned >= 0 else { return returned }
        let isThere = unsafe mirrorfs_ring_spin(ring, mirrorfs_nanoseconds() + SpinPatience.most)
        patience.noteSpin(isThere)
        unsafe _ = isThere ? io_uring_peek_cqe(ring, &completion) : 0
        if unsafe completion != nil { return 0 }
      }
      let before = mirrorfs_nanoseconds()
      returned = unsafe io_uring_submit_and_wait(ring, 1)
      patience.noteSleep(isShort: mirrorfs_nanoseconds() - before < SpinPatience.most)
      if returned >= 0 { unsafe _ = io_uring_peek_cqe(ring, &completion) }
      return returned
    }
    var time = __kernel_timespec(
      tv_sec: Int64(milliseconds / 1000), tv_nsec: Int64(milliseconds % 1000) * 1_000_000)
    return unsafe io_uring_submit_and_wait_timeout(ring, &completion, 1, &time, nil)
  }

  private func freeEntry() -> UnsafeMutablePointer<io_uring_sqe> {
    guard let entry = unsafe io_uring_get_sqe(ring) else {
      preconditionFailure("a seat has one command under way at most")
    }
    return unsafe entry
  }
}

extension RingSeat {
  /// The request's `fuse_in_header`; 128 bytes, of which the kernel fills what it knows.
  public var messageHeader: UnsafeRawPointer {
    unsafe UnsafeRawPointer(header)
  }

  /// The request's first argument, such as `fuse_read_in`.
  public var operationHeader: UnsafeRawBufferPointer {
    let size = MemoryLayout.size(ofValue: unsafe header.pointee.operation_header)
    return unsafe UnsafeRawBufferPointer(start: UnsafeRawPointer(header) + 128, count: size)
  }

  /// What the request carries behind its headers, in bytes.
  public var payloadByteCount: Int { unsafe Int(header.pointee.payload_byte_count) }

  /// Where it carries it, and where an answer's data belongs.
  public var payload: UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(start: memory.legSide, count: memory.byteCount)
  }

  /// Puts fresh memory in the payload's place, because a leg that is late still uses the old.
  /// Returns what frees that: to be called once, when no leg uses it any more.
  public func renewPayload() -> () -> Void { memory.renew() }

  /// Prepares the answer that the next ``exchange(atMostMilliseconds:)`` gives.
  ///
  /// - Parameters:
  ///   - messageHeader: the bytes of a `fuse_out_header`.
  ///   - payloadByteCount: bytes of data in ``payload``.
  public func answer(_ messageHeader: UnsafeRawBufferPointer, payloadByteCount: Int) {
    unsafe UnsafeMutableRawPointer(header).copyMemory(
      from: messageHeader.baseAddress ?? UnsafeRawPointer(header), byteCount: messageHeader.count)
    unsafe header.pointee.payload_byte_count = UInt32(payloadByteCount)
  }
}
