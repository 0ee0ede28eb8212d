public import BlockIO
internal import CLinux
internal import CURing
internal import Glibc

/// One of the kernel's queues of FUSE requests (FUSE over io_uring), and the io_uring that its
/// listener asks it by. The kernel keeps one queue for each processor, for the requests that come
/// from there; its counterpart is a `fuse_ring_queue`.
///
/// Requests come to seats: the kernel copies one into a seat's memory, somebody answers it there,
/// and the answer asks for the seat's next request in the same system call. The kernel hands all of
/// them over through the thread that gave the seats' last answers, and only while that thread asks
/// for more: so one thread gives all answers, the listener, and must never wait for anything else.
/// What may wait it hands out, seat and all, to other threads, which hand the seat back.
///
/// Belongs to the thread that made it, the listener, but for ``handBack(_:)``. It ends after its
/// mount.
@safe public final class RingQueue: @unchecked Sendable {
  // Sendable: all but handBack(_:) is for the listener alone, and that only reads what never
  // changes. Safe: the ring lives from init to deinit.

  /// What ``next(atMostMilliseconds:)`` came back with.
  public enum Arrival {
    /// A request, in the memory of a seat that is the caller's until it gives or hands it on.
    case request(RingSeat)
    /// None within the time given.
    case nothing
    /// The mount is gone, or the kernel does not want the seats.
    case over(Errno)
  }

  /// Number of the processor whose requests come here.
  public let number: Int
  private let descriptor: CInt
  private let payloadByteCount: Int
  private let ring: UnsafeMutablePointer<io_uring>
  private let ringDescriptor: CInt
  private var seats: [RingSeat] = []
  /// Seats that other threads have.
  @safe @exclusivity(unchecked) private var handedOutCount = 0
  /// Of answers that are prepared and not yet given: bytes that they and their requests carry.
  @safe @exclusivity(unchecked) private var heldByteCount = 0
  /// Whether requests may be left that came while no seat was free. The kernel gives those out only
  /// when some seat answers: where none does, after a while, ``stir(by:)``.
  @safe @exclusivity(unchecked) public private(set) var mayHaveMissed = false
  /// Whether to look for the next request before sleeping.
  @safe @exclusivity(unchecked) private var patience = SpinPatience(
    isPossible: sysconf(CInt(_SC_NPROCESSORS_ONLN)) > 1)

  /// To hold an answer back spares a system call; to carry more takes longer than that.
  private static let mostHeldByteCount = 64 << 10
  private static let entryCount: UInt32 = 64
  /// Room for what comes at once. What comes beyond that the kernel keeps.
  private static let completionCount: UInt32 = 1024

  /// - Parameters:
  ///   - descriptor: of /dev/fuse; stays open as long as the queue lives.
  ///   - number: of the processor.
  ///   - payloadByteCount: at least what the largest request carries.
  /// - Throws: the errno of what the kernel refused.
  public init(descriptor: CInt, number: Int, payloadByteCount: Int) throws(Errno) {
    self.descriptor = descriptor
    self.number = number
    self.payloadByteCount = payloadByteCount
    unsafe ring = .allocate(capacity: 1)
    let failed = unsafe Self.makeRing(ring)
    guard failed == 0 else {
      unsafe ring.deallocate()
      throw Errno(-failed)
    }
    ringDescriptor = unsafe ring.pointee.ring_fd
  }

  deinit {
    unsafe io_uring_queue_exit(ring)
    unsafe ring.deallocate()
  }

  /// Whether rings as queues need them can be had, and messages to them: nil, or the errno of the
  /// refusal.
  public static func refusal() -> Errno? {
    var ring = unsafe io_uring()
    let failed = unsafe makeRing(&ring)
    guard failed == 0 else { return Errno(-failed) }
    defer { unsafe io_uring_queue_exit(&ring) }
    let unsent = unsafe mirrorfs_ring_send(ring.ring_fd, 0)
    return unsent == 0 ? nil : Errno(-unsent)
  }

  /// Queues that the kernel keeps: each needs a seat before it hands out anything.
  public static func count() -> Int { Int(linux_possible_processor_count()) }

  /// Entries of the size in which commands for a device fit. Completions are handled when the
  /// listener asks for them, and never interrupt it.
  private static func makeRing(_ ring: UnsafeMutablePointer<io_uring>) -> CInt {
    var parameters = io_uring_params()
    parameters.flags =
      UInt32(IORING_SETUP_SQE128) | UInt32(IORING_SETUP_CQSIZE)
      | UInt32(IORING_SETUP_SINGLE_ISSUER) | UInt32(IORING_SETUP_DEFER_TASKRUN)
      | UInt32(IORING_SETUP_TASKRUN_FLAG)
    parameters.cq_entries = completionCount
    return unsafe io_uring_queue_init_params(entryCount, ring, &parameters)
  }

  // MARK: - Seats

  /// Seats that no other thread has.
  public var ownSeatCount: Int { seats.count - handedOutCount }

  /// Takes one more seat.
  ///
  /// - Throws: the errno of the kernel; with its first refusal it hands out all requests on
  ///   /dev/fuse.
  public func addSeat() throws(Errno) {
    let seat = try RingSeat(payloadByteCount: payloadByteCount)
    seats.append(seat)
    let entry = unsafe freeEntry()
    unsafe mirrorfs_prepare_ring_register(entry, descriptor, UInt16(number), seat.places)
    unsafe io_uring_sqe_set_data(entry, Unmanaged.passUnretained(seat).toOpaque())
    submit()
    mayHaveMissed = seats.count > 1
    guard seats.count == 1 else { return }
    // The first is answered at once only when it was refused.
    if unsafe io_uring_sq_ready(ring) > 0 { throw .wouldBlock }
    if let completion = unsafe arrived(), unsafe completion.pointee.res < 0 {
      throw unsafe Errno(-completion.pointee.res)
    }
  }

  /// The caller gives the seat and its request to another thread, which must ``handBack(_:)`` it.
  public func handOut(_ seat: RingSeat) { handedOutCount += 1 }

  /// Brings the listener a seat whose answer is prepared. Any thread that was given it, once.
  ///
  /// Does nothing when the mount is gone.
  public func handBack(_ seat: RingSeat) {
    let data = unsafe UInt64(UInt(bitPattern: Unmanaged.passUnretained(seat).toOpaque()))
    // Whoever asked would wait for ever.
    while [-ENOMEM, -EAGAIN, -EINTR].contains(mirrorfs_ring_send(ringDescriptor, data)) {
      usleep(1000)
    }
  }

  /// Makes the kernel look for requests that came while no seat was free.
  ///
  /// So the mount is asked something, from the processor whose queue this is, on a thread of its
  /// own. It is in use meanwhile: only where other requests hold it anyway.
  public func stir(by mountPoint: String) {
    IOThread(name: "mirrorfs-stir") { [number] in
      linux_pin_thread(CInt(number))
      var statistics = statvfs()
      unsafe _ = statvfs(mountPoint, &statistics)
    }.detach()
  }

  // MARK: - Requests and answers

  /// Takes a request; where there is none, gives the kernel the answers that were prepared or
  /// handed back, and waits.
  ///
  /// - Parameter milliseconds: how long; nil: until there is one.
  public func next(atMostMilliseconds milliseconds: Int? = nil) -> Arrival {
    while true {
      while let completion = unsafe arrived() {
        let (result, data) = unsafe (completion.pointee.res, io_uring_cqe_get_data(completion))
        unsafe io_uring_cqe_seen(ring, completion)
        guard let data = unsafe data else { continue }
        let seat = unsafe Unmanaged<RingSeat>.fromOpaque(data).takeUnretainedValue()
        switch result {
        case 0:
          seat.requestByteCount = seat.payloadByteCount
          seat.isTaken = true
          return .request(seat)
        case 1...:
          handedOutCount -= 1
          give(seat)
        case _ where seat.isTaken || result == -ENOTCONN:
          return .over(Errno(-result))
        default:
          // The kernel had no memory for one seat more.
          seats.removeAll { $0 === seat }
        }
      }
      heldByteCount = 0
      let returned = wait(milliseconds)
      switch -returned {
      case ETIME: if unsafe io_uring_cq_ready(ring) == 0 { return .nothing }
      case EINTR, EAGAIN, EBUSY, ...0: continue
      default: return .over(Errno(-returned))
      }
    }
  }

  /// Gives the answer that was prepared in a seat: at the latest with ``submit()``, or with the
  /// next ``next(atMostMilliseconds:)`` that finds no request.
  public func give(_ seat: RingSeat) {
    let entry = unsafe freeEntry()
    unsafe mirrorfs_prepare_ring_commit(
      entry, descriptor, UInt16(number), seat.header.pointee.commit_number)
    unsafe io_uring_sqe_set_data(entry, Unmanaged.passUnretained(seat).toOpaque())
    heldByteCount += seat.requestByteCount + seat.payloadByteCount
    if heldByteCount > Self.mostHeldByteCount { submit() }
  }

  /// Gives the kernel the answers that were prepared. What it does not take now, the next call
  /// does.
  public func submit() {
    heldByteCount = 0
    guard unsafe io_uring_sq_ready(ring) > 0 else { return }
    let before = unsafe io_uring_cq_ready(ring)
    let givenCount = unsafe io_uring_submit(ring)
    // A seat that got no request together with its answer being taken: no request is left.
    let arrivedCount = unsafe Int(io_uring_cq_ready(ring) - before)
    if arrivedCount < Int(givenCount) { mayHaveMissed = false }
  }

  private func arrived() -> UnsafeMutablePointer<io_uring_cqe>? {
    var completion: UnsafeMutablePointer<io_uring_cqe>?
    guard unsafe io_uring_cq_ready(ring) > 0,
      unsafe io_uring_peek_cqe(ring, &completion) == 0
    else { return nil }
    return unsafe completion
  }

  private func wait(_ milliseconds: Int?) -> CInt {
    if let milliseconds {
      submit()
      guard unsafe io_uring_cq_ready(ring) == 0 else { return 0 }
      var completion: UnsafeMutablePointer<io_uring_cqe>?
      var time = __kernel_timespec(
        tv_sec: Int64(milliseconds / 1000), tv_nsec: Int64(milliseconds % 1000) * 1_000_000)
      return unsafe io_uring_submit_and_wait_timeout(ring, &completion, 1, &time, nil)
    }
    if patience.isWorthSpinning {
      submit()
      let now = mirrorfs_nanoseconds()
      let isThere = unsafe mirrorfs_ring_spin(
        ring, now + SpinPatience.alone, now + SpinPatience.most)
      patience.noteSpin(isThere)
      if isThere { return unsafe io_uring_cq_ready(ring) > 0 ? 0 : io_uring_get_events(ring) }
    }
    let before = mirrorfs_nanoseconds()
    let returned = unsafe io_uring_submit_and_wait(ring, 1)
    patience.noteSleep(isShort: mirrorfs_nanoseconds() - before < SpinPatience.most)
    return returned
  }

  private func freeEntry() -> UnsafeMutablePointer<io_uring_sqe> {
    while true {
      if let entry = unsafe io_uring_get_sqe(ring) { return unsafe entry }
      submit()
    }
  }
}
