public import BlockIO

/// Memory for requests: pieces of one size, page aligned, all of it there from the start.
///
/// Nothing is allocated later and nothing fails for want of memory: who finds no piece waits for
/// one. However many requests there are, they use no more than the pool has. A client that is made
/// with the pool has its pages held ready by the kernel, where that is faster
/// (``IOClient/init(backend:pages:memory:)``). All members are safe on any thread.
@safe public final class MemoryPool: Sendable {
  /// Bytes of a piece; a multiple of a page.
  public let pieceByteCount: Int
  public let pieceCount: Int
  let mapping: PageMapping
  private let tokens: TokenPool
  private let free: ConditionLock<[Int]>
  private let resumptions = ConditionLock(0)

  /// - Parameters:
  ///   - pieceByteCount: rounded up to whole pages of 4096 bytes.
  ///   - pieceCount: at least 1.
  /// - Throws: ENOMEM.
  public init(pieceByteCount: Int, pieceCount: Int) throws(Errno) {
    precondition(pieceByteCount > 0 && pieceCount > 0, "a pool holds something")
    let page = TransferMemory.pageByteCount
    self.pieceByteCount = (pieceByteCount + page - 1) / page * page
    self.pieceCount = pieceCount
    mapping = try PageMapping(byteCount: self.pieceByteCount * pieceCount)
    tokens = TokenPool(total: pieceCount)
    free = ConditionLock(Array((0..<pieceCount).reversed()))
  }

  /// Pieces that somebody has.
  public var inUseCount: Int { tokens.inUse }

  /// Lends a piece; the calling thread waits for one. What it holds is what its last user left.
  public func withPiece<R, E: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    _ = tokens.take()
    let index = pop()
    defer { giveBack(index) }
    return unsafe try body(piece(index))
  }

  /// Lends a piece; the task is suspended until there is one, and no thread waits.
  public func awaitPiece<R>(
    _ body: (UnsafeMutableRawBufferPointer) async throws -> R
  ) async rethrows -> R {
    _ = await suspended(order: resumptions) { granted in tokens.take(granted) }
    let index = pop()
    defer { giveBack(index) }
    return unsafe try await body(piece(index))
  }

  /// Takes a piece without making a thread wait: `granted` is called once, now or later, with its
  /// number; it must not block.
  func take(_ granted: @escaping @Sendable (Int) -> Void) {
    tokens.take { [self] _ in granted(pop()) }
  }

  /// The bytes of a piece that somebody has taken.
  func piece(_ index: Int) -> UnsafeMutableRawBufferPointer {
    let start = index * pieceByteCount
    return unsafe UnsafeMutableRawBufferPointer(
      rebasing: mapping.bytes[start..<start + pieceByteCount])
  }

  func giveBack(_ index: Int) {
    free.withLock { $0.append(index) }
    tokens.giveBack()
  }

  /// Takes a piece whose token the caller has.
  private func pop() -> Int {
    guard let index = free.withLock({ $0.popLast() }) else {
      preconditionFailure("a token stands for a piece")
    }
    return index
  }
}
