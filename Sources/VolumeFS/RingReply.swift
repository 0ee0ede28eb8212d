internal import BlockIO
internal import CFUSE3
internal import FuseRing
internal import Glibc

/// The answer to a request that came over io_uring: prepared in the seat, which its queue's
/// listener gives back to the kernel.
@safe struct RingReply: TransferReply, ~Copyable {
  // Safe: the queue keeps its seats, and outlives its requests.

  /// Unretained, so that an answer costs no counting.
  private let seat: Unmanaged<RingSeat>
  private let unique: UInt64

  init(seat: RingSeat, unique: UInt64) {
    unsafe self.seat = unsafe .passUnretained(seat)
    self.unique = unique
  }

  deinit { unsafe Self.answer(seat, unique, error: .ioError) }

  consuming func fail(_ error: Errno) {
    let (seat, unique) = unsafe (self.seat, self.unique)
    discard self
    unsafe Self.answer(seat, unique, error: error)
  }

  consuming func postpone() { discard self }

  consuming func wrote(byteCount: Int) {
    let (seat, unique) = unsafe (self.seat, self.unique)
    discard self
    let answer = fuse_write_out(size: UInt32(byteCount), padding: 0)
    unsafe seat.takeUnretainedValue().payload.storeBytes(of: answer, as: fuse_write_out.self)
    unsafe Self.answer(seat, unique, payloadByteCount: MemoryLayout<fuse_write_out>.size)
  }

  /// The kernel takes data from the payload's start only: ragged reads are moved there.
  consuming func read(_ bytes: UnsafeRawBufferPointer, in buffer: UnsafeMutableRawPointer) {
    let (seat, unique) = unsafe (self.seat, self.unique)
    discard self
    if let start = bytes.baseAddress, unsafe start != UnsafeRawPointer(buffer) {
      unsafe buffer.copyMemory(from: start, byteCount: bytes.count)
    }
    unsafe Self.answer(seat, unique, payloadByteCount: bytes.count)
  }

  /// Answers with what libfuse made of a request.
  consuming func copy(_ pieces: Slice<UnsafeBufferPointer<iovec>>) {
    let (seat, unique) = unsafe (self.seat, self.unique)
    discard self
    let payload = unsafe UnsafeMutableRawBufferPointer(
      start: seat.takeUnretainedValue().payload, count: seat.takeUnretainedValue().payloadCapacity)
    var count = 0
    for index in unsafe pieces.indices {
      let piece = unsafe pieces[index]
      let bytes = unsafe UnsafeRawBufferPointer(start: piece.iov_base, count: piece.iov_len)
      guard payload.count - count >= bytes.count else {
        return unsafe Self.answer(seat, unique, error: .ioError)
      }
      unsafe UnsafeMutableRawBufferPointer(rebasing: payload[count...]).copyMemory(from: bytes)
      count += bytes.count
    }
    unsafe Self.answer(seat, unique, payloadByteCount: count)
  }

  private static func answer(
    _ seat: Unmanaged<RingSeat>, _ unique: UInt64, error: Errno? = nil, payloadByteCount: Int = 0
  ) {
    var header = fuse_out_header(
      len: UInt32(MemoryLayout<fuse_out_header>.size + payloadByteCount),
      error: -(error?.rawValue ?? 0), unique: unique)
    unsafe withUnsafeBytes(of: &header) { bytes in
      unsafe seat.takeUnretainedValue().answer(bytes, payloadByteCount: payloadByteCount)
    }
  }
}
