/// The memory of a request in one of dm-io's three shapes; nothing is copied or owned.
///
/// Whoever starts the I/O keeps the lists and the memory alive and (for a write) unchanged until it
/// has ended. A write only reads the memory, although the pointers are mutable as in `iovec`.
@safe public enum TransferMemory {
  /// No memory: flush, discard, write-zeroes.
  case none
  /// One address, the kernel's `vm` service.
  case contiguous(UnsafeMutableRawPointer, byteCount: Int)
  /// Address and length of each piece, the kernel's `bio_vec` service.
  case vectors(UnsafePointer<UnsafeMutableRawBufferPointer>, count: Int)
  /// Pages of ``pageByteCount`` bytes and an offset into the first, the kernel's `page_list`.
  case pages(UnsafePointer<UnsafeMutableRawPointer>, count: Int, firstPageOffset: Int)

  /// Bytes in a page of a page list.
  public static let pageByteCount = 4096

  /// How many bytes the memory holds.
  public var byteCount: Int {
    switch self {
    case .none: return 0
    case .contiguous(_, let byteCount): return byteCount
    case .vectors(let vectors, let count):
      var sum = 0
      for index in 0..<count { unsafe sum += vectors[index].count }
      return sum
    case .pages(_, let count, let offset):
      return max(0, count * Self.pageByteCount - offset)
    }
  }
}

/// A position in a request's memory, moved forward as a transfer proceeds.
///
/// Each region starts with a cursor at the beginning: "the memory cursor is rewound" (rule E2).
@safe public struct MemoryCursor {
  let memory: TransferMemory
  private var pieceIndex = 0
  private var pieceOffset: Int

  public init(_ memory: TransferMemory) {
    self.memory = memory
    if case .pages(_, _, let offset) = memory {
      pieceOffset = offset
    } else {
      pieceOffset = 0
    }
  }

  /// The contiguous bytes at the cursor, at most `limit`; nil at the end of the memory.
  public mutating func piece(limit: Int) -> UnsafeMutableRawBufferPointer? {
    let start: UnsafeMutableRawPointer
    let length: Int
    switch memory {
    case .none: return nil
    case .contiguous(let base, let byteCount):
      unsafe (start, length) = unsafe (base, byteCount)
    case .vectors(let vectors, let count):
      while pieceIndex < count, unsafe pieceOffset == vectors[pieceIndex].count {
        pieceIndex += 1
        pieceOffset = 0
      }
      guard pieceIndex < count, let base = unsafe vectors[pieceIndex].baseAddress else {
        return nil
      }
      unsafe (start, length) = unsafe (base, vectors[pieceIndex].count)
    case .pages(let pages, let count, _):
      if pieceOffset == TransferMemory.pageByteCount {
        pieceIndex += 1
        pieceOffset = 0
      }
      guard pieceIndex < count else { return nil }
      unsafe (start, length) = unsafe (pages[pieceIndex], TransferMemory.pageByteCount)
    }
    let available = length - pieceOffset
    guard available > 0 else { return nil }
    return unsafe UnsafeMutableRawBufferPointer(
      start: start + pieceOffset, count: min(available, limit))
  }

  /// Moves on by `byteCount` bytes, at most to the end.
  public mutating func advance(by byteCount: Int) {
    if case .contiguous = memory {
      pieceOffset += byteCount
      return
    }
    var left = byteCount
    while left > 0, let piece = unsafe piece(limit: left) {
      pieceOffset += piece.count
      left -= piece.count
    }
  }

  /// Writes zeroes over the next `byteCount` bytes and moves on.
  public mutating func zero(byteCount: Int) {
    var left = byteCount
    while left > 0, let piece = unsafe piece(limit: left) {
      unsafe piece.initializeMemory(as: UInt8.self, repeating: 0)
      advance(by: piece.count)
      left -= piece.count
    }
  }

  /// Copies the next bytes into `target`, fills it, and leaves the cursor where it is.
  func copyOut(to target: UnsafeMutableRawBufferPointer) {
    unsafe eachPiece(of: target.count) { piece, offset in
      unsafe UnsafeMutableRawBufferPointer(rebasing: target[offset...]).copyMemory(
        from: UnsafeRawBufferPointer(piece))
    }
  }

  /// Copies `source` over the next bytes and leaves the cursor where it is.
  func copyIn(from source: UnsafeRawBufferPointer) {
    unsafe eachPiece(of: source.count) { piece, offset in
      unsafe piece.copyMemory(
        from: UnsafeRawBufferPointer(rebasing: source[offset..<offset + piece.count]))
    }
  }

  private func eachPiece(
    of byteCount: Int, _ body: (UnsafeMutableRawBufferPointer, _ offset: Int) -> Void
  ) {
    var probe = self
    var offset = 0
    while offset < byteCount, let piece = unsafe probe.piece(limit: byteCount - offset) {
      unsafe body(piece, offset)
      offset += piece.count
      probe.advance(by: piece.count)
    }
  }
}
