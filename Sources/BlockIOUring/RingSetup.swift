internal import CLinux
internal import CURing
internal import Glibc

extension UringQueue {
  /// Entries of the submission ring: a queue's capacity and the watch for wake-ups fit twice.
  private static var entryCount: UInt32 { 256 }

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
