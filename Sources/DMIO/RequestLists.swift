internal import BlockIO

/// The copies of its lists that an asynchronous request owns until it has ended.
@safe final class RequestLists: @unchecked Sendable {
  // Sendable: written in init, only read afterwards. Safe: the pointers to the lists leave in
  // requests alone, whose notify functions hold this object.
  private let regions: UnsafeMutableBufferPointer<Region>
  private let vectors: UnsafeMutableBufferPointer<UnsafeMutableRawBufferPointer>
  private let pages: UnsafeMutableBufferPointer<UnsafeMutableRawPointer>
  private let shape: IOMemory.Shape

  init(regions: [Region], memory: IOMemory) {
    unsafe self.regions = unsafe Self.copy(regions)
    shape = memory.shape
    switch shape {
    case .vectors(let list):
      unsafe vectors = unsafe Self.copy(list)
      unsafe pages = unsafe Self.copy([])
    case .pages(let list):
      unsafe vectors = unsafe Self.copy([])
      unsafe pages = unsafe Self.copy(list.pages)
    case .none, .contiguous:
      unsafe vectors = unsafe Self.copy([])
      unsafe pages = unsafe Self.copy([])
    }
  }

  deinit {
    unsafe regions.deinitialize().deallocate()
    unsafe vectors.deinitialize().deallocate()
    unsafe pages.deinitialize().deallocate()
  }

  /// The request on these lists; valid as long as this object lives.
  func request(_ operation: Operation) -> sending IORequest {
    unsafe IORequest(
      operation, regions: UnsafeBufferPointer(regions), memory: transferMemory)
  }

  private var transferMemory: TransferMemory {
    switch shape {
    case .none: return .none
    case .contiguous(let bytes):
      guard let base = bytes.baseAddress else { return .none }
      return unsafe .contiguous(base, byteCount: bytes.count)
    case .vectors:
      guard let base = unsafe vectors.baseAddress else { return .none }
      return unsafe .vectors(base, count: vectors.count)
    case .pages(let list):
      guard let base = unsafe pages.baseAddress else { return .none }
      return unsafe .pages(base, count: pages.count, firstPageOffset: list.firstPageOffset)
    }
  }

  private static func copy<Element>(_ list: [Element]) -> UnsafeMutableBufferPointer<Element> {
    guard !list.isEmpty else { return unsafe UnsafeMutableBufferPointer(start: nil, count: 0) }
    let copy = UnsafeMutableBufferPointer<Element>.allocate(capacity: list.count)
    _ = unsafe copy.initialize(from: list)
    return unsafe copy
  }
}
