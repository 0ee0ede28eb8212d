internal import BlockIO
internal import CURing
internal import Glibc

/// Memory for one request of the kernel's and its answer. The kernel counterpart is a
/// `fuse_ring_ent`.
///
/// Its ``RingQueue`` makes it and keeps it until the end of the mount, because the kernel may use
/// its memory until then. Between a request and its answer it belongs to the thread that serves it.
@safe public final class RingSeat: @unchecked Sendable {
  // Sendable: goes from thread to thread with its request, by way of a lock there and of the kernel
  // back. Safe: header and places live from init to deinit; the header is lent to the seat's owner.

  let header: UnsafeMutablePointer<mirrorfs_ring_header>
  let memory: TwinMemory
  /// Where the kernel is told that both are; it may look only when it has memory to do so.
  let places: UnsafeMutablePointer<iovec>
  /// Whether ``answer(_:payloadByteCount:)`` was called, since somebody set this to false.
  @safe @exclusivity(unchecked) public var hasAnswer = false
  /// Bytes that the request came with.
  @safe @exclusivity(unchecked) var requestByteCount = 0
  /// It has had a request: the kernel took it.
  @safe @exclusivity(unchecked) var isTaken = false

  init(payloadByteCount: Int) throws(Errno) {
    memory = try TwinMemory(byteCount: payloadByteCount)
    unsafe header = .allocate(capacity: 1)
    unsafe header.initialize(to: mirrorfs_ring_header())
    unsafe places = .allocate(capacity: 2)
    unsafe places.initialize(
      to: iovec(iov_base: header, iov_len: MemoryLayout<mirrorfs_ring_header>.size))
    unsafe (places + 1).initialize(
      to: iovec(iov_base: memory.kernelSide, iov_len: memory.byteCount))
  }

  deinit {
    unsafe header.deallocate()
    unsafe places.deallocate()
  }

  /// The request's `fuse_in_header`; 128 bytes, of which the kernel fills what it knows.
  public var messageHeader: UnsafeRawPointer {
    unsafe UnsafeRawPointer(header)
  }

  /// The request's first argument, such as `fuse_read_in`.
  public var operationHeader: UnsafeRawBufferPointer {
    let size = MemoryLayout.size(ofValue: unsafe header.pointee.operation_header)
    return unsafe UnsafeRawBufferPointer(start: UnsafeRawPointer(header) + 128, count: size)
  }

  /// What the request carries behind its headers, in bytes; then what the answer carries.
  public var payloadByteCount: Int { unsafe Int(header.pointee.payload_byte_count) }

  /// Where it carries it, and where an answer's data belongs.
  public var payload: UnsafeMutableRawPointer { unsafe memory.legSide }
  /// How much memory there is, in bytes.
  public var payloadCapacity: Int { memory.byteCount }

  /// Puts fresh memory in the payload's place, because a leg that is late still uses the old.
  /// Returns what frees that: to be called once, when no leg uses it any more.
  public func renewPayload() -> () -> Void { memory.renew() }

  /// Prepares the answer, which ``RingQueue/give(_:)`` or ``RingQueue/handBack(_:)`` brings to the
  /// kernel.
  ///
  /// - Parameters:
  ///   - messageHeader: the bytes of a `fuse_out_header`.
  ///   - payloadByteCount: bytes of data in ``payload``.
  public func answer(_ messageHeader: UnsafeRawBufferPointer, payloadByteCount: Int) {
    unsafe UnsafeMutableRawPointer(header).copyMemory(
      from: messageHeader.baseAddress ?? UnsafeRawPointer(header), byteCount: messageHeader.count)
    unsafe header.pointee.payload_byte_count = UInt32(payloadByteCount)
    hasAnswer = true
  }
}
