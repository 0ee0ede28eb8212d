internal import CLinux
internal import CURing
internal import Glibc
internal import Synchronization

extension UringQueue {
  /// Entries of the submission ring: a queue's capacity and the watch for wake-ups fit twice.
  private static var entryCount: UInt32 { 256 }

  /// Bytes that all rings of the process hold.
  private static let heldByteCount = Atomic<Int>(0)

  /// Has the ring hold the pages of this memory, until it ends; false where that is refused.
  ///
  /// All rings together hold no more than half of RLIMIT_MEMLOCK: the rest is for the rings
  /// themselves, which the kernel counts against it, too. Each is to be followed by ``letGo(_:)``.
  static func hold(
    _ bytes: UnsafeMutableRawBufferPointer, by ring: UnsafeMutablePointer<io_uring>
  ) -> Bool {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit) == 0 else {
      return false
    }
    // Relaxed: a number that guards no other memory.
    let held = heldByteCount.add(bytes.count, ordering: .relaxed).newValue
    var vector = unsafe iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
    if UInt64(held) <= UInt64(limit.rlim_cur) / 2,
      unsafe io_uring_register_buffers(ring, &vector, 1) == 0
    {
      return true
    }
    letGo(bytes.count)
    return false
  }

  /// The ring that held so many bytes has ended.
  static func letGo(_ byteCount: Int) { heldByteCount.subtract(byteCount, ordering: .relaxed) }

  static var durable: CInt { linux_RWF_DSYNC }

  /// Sets the ring up with the newest flags that the kernel takes. 0, or a negative errno.
  ///
  /// Without TASKRUN_FLAG a look that does not wait would never see what the kernel has put off.
  static func makeRing(_ ring: UnsafeMutablePointer<io_uring>, isBoundToThread: Bool) -> CInt {
    let telling = UInt32(IORING_SETUP_TASKRUN_FLAG)
    var flagsByKernel = [UInt32(IORING_SETUP_COOP_TASKRUN) | telling, 0]
    if isBoundToThread {
      flagsByKernel.insert(
        UInt32(IORING_SETUP_SINGLE_ISSUER) | UInt32(IORING_SETUP_DEFER_TASKRUN) | telling, at: 0)
    }
    var failed: CInt = 0
    for flags in flagsByKernel {
      failed = unsafe io_uring_queue_init(entryCount, ring, flags)
      if failed != -EINVAL { break }
    }
    return failed
  }
}
