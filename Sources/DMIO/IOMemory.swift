internal import BlockIO

/// A list of pages, and where in the first of them the data starts: the kernel's
/// `struct page_list` and the `offset` that goes with it.
@safe public struct PageList {
  /// Start of each page of 4096 bytes; owned by the caller.
  public var pages: [UnsafeMutableRawPointer]
  /// Offset in bytes into the first page; a multiple of 512, less than a page.
  public var firstPageOffset: Int

  public init(pages: [UnsafeMutableRawPointer], firstPageOffset: Int = 0) {
    unsafe self.pages = unsafe pages
    self.firstPageOffset = firstPageOffset
  }
}

/// The memory of a request, list and all: the kernel's `struct dm_io_memory`.
///
/// The request keeps the list until it has ended; the bytes stay the caller's, who keeps them alive
/// until then and, for a write, unchanged. Memory that may only be read is for writes alone.
@safe public struct IOMemory {
  @safe enum Shape {
    case none
    case contiguous(UnsafeMutableRawBufferPointer)
    case vectors([UnsafeMutableRawBufferPointer])
    case pages(PageList)
  }

  let shape: Shape

  /// No memory: flush, discard, write-zeroes.
  public static var none: IOMemory { IOMemory(shape: .none) }

  /// One address (`DM_IO_VMA`): services `dm_io_sync_vm` and `dm_io_async_vm`.
  public static func contiguous(_ bytes: UnsafeMutableRawBufferPointer) -> IOMemory {
    unsafe IOMemory(shape: .contiguous(bytes))
  }
  /// One address, for writes.
  public static func contiguous(_ bytes: UnsafeRawBufferPointer) -> IOMemory {
    unsafe contiguous(UnsafeMutableRawBufferPointer(mutating: bytes))
  }

  /// Pieces of any address, each a multiple of 512 bytes (`DM_IO_BIO`): services
  /// `dm_io_sync_bvec` and `dm_io_async_bvec`.
  public static func vectors(_ pieces: [UnsafeMutableRawBufferPointer]) -> IOMemory {
    unsafe IOMemory(shape: .vectors(pieces))
  }
  /// Pieces of any address, for writes.
  public static func vectors(_ pieces: [UnsafeRawBufferPointer]) -> IOMemory {
    unsafe vectors(pieces.map { unsafe UnsafeMutableRawBufferPointer(mutating: $0) })
  }

  /// Pages (`DM_IO_PAGE_LIST`): services `dm_io_sync` and `dm_io_async`.
  public static func pages(_ list: PageList) -> IOMemory { IOMemory(shape: .pages(list)) }

  /// The memory as transfers see it; the lists live as long as `body` runs.
  func withTransferMemory<R, E: Error>(
    _ body: (TransferMemory) throws(E) -> R
  ) throws(E) -> R {
    switch shape {
    case .none: return try body(.none)
    case .contiguous(let bytes):
      guard let base = bytes.baseAddress else { return try body(.none) }
      return try unsafe body(.contiguous(base, byteCount: bytes.count))
    case .vectors(let pieces):
      return try unsafe pieces.withUnsafeBufferPointer { (list) throws(E) -> R in
        guard let base = list.baseAddress else { return try body(.none) }
        return try unsafe body(.vectors(base, count: list.count))
      }
    case .pages(let list):
      return try unsafe list.pages.withUnsafeBufferPointer { (pages) throws(E) -> R in
        guard let base = pages.baseAddress else { return try body(.none) }
        return try unsafe body(
          .pages(base, count: pages.count, firstPageOffset: list.firstPageOffset))
      }
    }
  }
}
