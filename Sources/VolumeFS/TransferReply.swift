internal import BlockIO
internal import CFUSE3
internal import Glibc

/// The answer that one READ or WRITE request is owed, given to the kernel without libfuse.
///
/// Consumed by answering; a request that is forgotten is answered with EIO, and never hangs.
protocol TransferReply: ~Copyable {
  consuming func fail(_ error: Errno)

  /// Somebody else answers: the request was not served, because that would have meant to wait.
  consuming func postpone()

  /// Answers a WRITE: how many bytes were taken.
  consuming func wrote(byteCount: Int)

  /// Answers a READ with bytes that lie somewhere in `buffer`, behind which nobody needs anything.
  consuming func read(_ bytes: UnsafeRawBufferPointer, in buffer: UnsafeMutableRawPointer)
}

/// The answer to a request that was read from /dev/fuse.
struct DeviceReply: TransferReply, ~Copyable {
  private let descriptor: CInt
  private let unique: UInt64

  init(descriptor: CInt, unique: UInt64) {
    self.descriptor = descriptor
    self.unique = unique
  }

  deinit { Self.sendError(Errno.ioError, to: descriptor, unique) }

  consuming func fail(_ error: Errno) {
    let (descriptor, unique) = (self.descriptor, self.unique)
    discard self
    Self.sendError(error, to: descriptor, unique)
  }

  /// Whoever reads /dev/fuse may wait.
  consuming func postpone() { fail(.ioError) }

  consuming func wrote(byteCount: Int) {
    let (descriptor, unique) = (self.descriptor, self.unique)
    discard self
    var message = (
      fuse_out_header(
        len: UInt32(MemoryLayout<fuse_out_header>.size + MemoryLayout<fuse_write_out>.size),
        error: 0, unique: unique),
      fuse_write_out(size: UInt32(byteCount), padding: 0)
    )
    unsafe withUnsafeBytes(of: &message) { unsafe Self.send($0, to: descriptor) }
  }

  /// Before the buffer lie at least 16 bytes of memory, which take the header: one piece, one
  /// system call.
  ///
  /// Ragged reads may lie at any address, but the header must be aligned: they go as two pieces.
  consuming func read(_ bytes: UnsafeRawBufferPointer, in buffer: UnsafeMutableRawPointer) {
    let (descriptor, unique) = (self.descriptor, self.unique)
    discard self
    let headerByteCount = MemoryLayout<fuse_out_header>.size
    var header = fuse_out_header(
      len: UInt32(headerByteCount + bytes.count), error: 0, unique: unique)
    guard let start = bytes.baseAddress, unsafe start == UnsafeRawPointer(buffer) else {
      unsafe withUnsafeMutableBytes(of: &header) { header in
        var pieces = unsafe (
          iovec(iov_base: header.baseAddress, iov_len: header.count),
          iovec(
            iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
        )
        unsafe withUnsafePointer(to: &pieces) { pieces in
          unsafe pieces.withMemoryRebound(to: iovec.self, capacity: 2) {
            unsafe _ = writev(descriptor, $0, 2)
          }
        }
      }
      return
    }
    let message = unsafe buffer - headerByteCount
    unsafe message.storeBytes(of: header, as: fuse_out_header.self)
    unsafe Self.send(
      UnsafeRawBufferPointer(start: message, count: headerByteCount + bytes.count), to: descriptor)
  }

  private static func sendError(_ error: Errno, to descriptor: CInt, _ unique: UInt64) {
    var header = fuse_out_header(
      len: UInt32(MemoryLayout<fuse_out_header>.size), error: -error.rawValue, unique: unique)
    unsafe withUnsafeBytes(of: &header) { unsafe send($0, to: descriptor) }
  }

  /// The kernel refuses only answers to requests that are gone (ENOENT) or to a mount that is.
  private static func send(_ message: UnsafeRawBufferPointer, to descriptor: CInt) {
    unsafe _ = Glibc.write(descriptor, message.baseAddress, message.count)
  }
}
