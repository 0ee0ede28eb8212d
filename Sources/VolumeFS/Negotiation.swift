internal import BlockIO
internal import CFUSE3
internal import Glibc
internal import Synchronization

/// The INIT request: what kernel and mount agree on.
///
/// libfuse 3.14 does not know some flags, so its answer is completed on the way to the kernel:
/// `fuse_session_custom_io` makes libfuse write through ``write``, although it mounted by itself.
/// That rests on libfuse not minding that its session has a descriptor already (true in 3.14.0 and
/// 3.18.2). Where it minds, everything works, but writes cost a request for an attribute more.
final class Negotiation: Sendable {
  /// The kernel's offer: flags and flags2 of `fuse_init_in` as one word.
  private let offered = Atomic<UInt64>(0)
  private let agreed = Atomic<UInt64>(0)
  private let isDone = ConditionLock(false)

  /// Without it the kernel asks for the attribute security.capability before every write; no
  /// volume has set-id bits that could have to be dropped.
  private static let handleKillPrivileges: UInt64 = 1 << 28
  /// flags2 is valid.
  private static let extended: UInt64 = 1 << 30
  /// A file opened with O_DIRECT may be mapped.
  private static let directMapping: UInt64 = 1 << 36

  /// FUSE over io_uring; offered by kernels from 6.14 on whose administrator allows it.
  private static let overRing: UInt64 = 1 << 41

  /// Whether to take io_uring where the kernel offers it. Before the first request is read.
  let wantsRing: Bool

  init(wantsRing: Bool) { self.wantsRing = wantsRing }

  /// Whether requests come over io_uring once every queue has a seat.
  var hasRing: Bool { agreed.load(ordering: .relaxed) & Self.overRing != 0 }

  /// Whether files opened with O_DIRECT may bypass the page cache as a whole and still be mapped.
  var allowsDirectMapping: Bool { agreed.load(ordering: .relaxed) & Self.directMapping != 0 }

  func waitUntilDone() { _ = isDone.wait { $0 ? true : nil } }

  /// Makes libfuse answer through us. Before the first request is read.
  func patchReplies(of session: OpaquePointer) {
    var io = fuse_custom_io()
    unsafe io.writev = { descriptor, pieces, count, userdata in
      let fileSystem = unsafe userdata.map {
        unsafe Unmanaged<VolumeFileSystem>.fromOpaque($0).takeUnretainedValue()
      }
      guard let pieces = unsafe pieces else { return -1 }
      let answer = unsafe UnsafeBufferPointer(start: pieces, count: Int(count))
      if let takeAnswer = unsafe CurrentWorker.worker?.takeAnswer, unsafe takeAnswer(answer) {
        return unsafe answer.reduce(0) { unsafe $0 + $1.iov_len }
      }
      guard let fileSystem else { return -1 }
      return unsafe fileSystem.negotiation.send(pieces, count, to: descriptor) {
        fileSystem.openRing()
      }
    }
    unsafe io.read = { descriptor, buffer, byteCount, _ in
      unsafe Glibc.read(descriptor, buffer, byteCount)
    }
    unsafe _ = fuse_session_custom_io(session, &io, fuse_session_fd(session))
  }

  /// Notes the kernel's offer, from the raw INIT request.
  func noteOffer(_ message: UnsafeRawBufferPointer) {
    let headerByteCount = MemoryLayout<fuse_in_header>.size
    guard message.count >= headerByteCount + 16 else { return }
    let flags = unsafe message.loadUnaligned(fromByteOffset: headerByteCount + 12, as: UInt32.self)
    var both = UInt64(flags)
    if both & Self.extended != 0, message.count >= headerByteCount + 20 {
      let flags2 = unsafe message.loadUnaligned(
        fromByteOffset: headerByteCount + 16, as: UInt32.self)
      both |= UInt64(flags2) << 32
    }
    offered.store(both, ordering: .relaxed)
  }

  /// Sends an answer of libfuse; the first that it gives is that to INIT.
  ///
  /// - Parameter openRing: called when requests are to come over io_uring.
  private func send(
    _ pieces: UnsafeMutablePointer<iovec>, _ count: CInt, to descriptor: CInt,
    _ openRing: () -> Void
  ) -> Int {
    let isFirst = !isDone.withLock { $0 }
    if isFirst { unsafe complete(pieces, count: Int(count)) }
    let returned = unsafe writev(descriptor, pieces, count)
    if isFirst {
      if hasRing { openRing() }
      isDone.withLock { $0 = true }
      isDone.wakeAll()
    }
    return returned
  }

  private func complete(_ pieces: UnsafeMutablePointer<iovec>, count: Int) {
    guard count == 2, let answer = unsafe pieces[1].iov_base,
      unsafe pieces[1].iov_len >= MemoryLayout<fuse_init_out>.size
    else { return }
    var wanted = Self.handleKillPrivileges | Self.extended | Self.directMapping
    if wantsRing { wanted |= Self.overRing }
    let granted = offered.load(ordering: .relaxed) & wanted
    unsafe answer.withMemoryRebound(to: fuse_init_out.self, capacity: 1) { answer in
      unsafe answer.pointee.flags |= UInt32(truncatingIfNeeded: granted)
      if granted & Self.extended != 0 {
        unsafe answer.pointee.flags2 |= UInt32(truncatingIfNeeded: granted >> 32)
      }
    }
    agreed.store(granted, ordering: .relaxed)
  }
}
