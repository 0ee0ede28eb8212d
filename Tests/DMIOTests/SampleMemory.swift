import BlockIO
import DMIO
import Testing

/// The memory of a request in each of dm-io's shapes, scattered so that order and gaps matter.
@safe final class SampleMemory: @unchecked Sendable {
  // Sendable: a test looks at it before and after a request, never during one.
  enum Shape: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case contiguous, contiguousOdd
    case vectors, vectorsOdd, vectorsMany
    case pages, pagesFromWithin
    var testDescription: String { rawValue }
  }

  private let whole: UnsafeMutableRawBufferPointer
  private let pieces: [UnsafeMutableRawBufferPointer]
  /// For the client's services.
  let memory: IOMemory
  let byteCount: Int

  convenience init(_ shape: Shape, bytes: [UInt8]) {
    self.init(shape, byteCount: bytes.count)
    fill(bytes)
  }

  /// Memory of so many bytes, all 0xEE: what a read must not leave where it failed.
  init(_ shape: Shape, byteCount: Int) {
    self.byteCount = byteCount
    unsafe whole = .allocate(byteCount: byteCount * 17 + 65536, alignment: 4096)
    unsafe whole.initializeMemory(as: UInt8.self, repeating: 0xEE)
    let lengths = Self.lengths(shape, byteCount: byteCount)
    let isOdd = shape == .contiguousOdd || shape == .vectorsOdd
    let isPaged = shape == .pages || shape == .pagesFromWithin
    var pieces: [UnsafeMutableRawBufferPointer] = unsafe []
    var pages: [UnsafeMutableRawPointer] = unsafe []
    // From the back, so that the order of the list is not the order of the addresses.
    var end = unsafe whole.count
    for (index, length) in lengths.enumerated() {
      end -= (length + 4095) / 4096 * 4096 + (isPaged ? 0 : 4096)
      let within = shape == .pagesFromWithin && index == 0 ? 1024 : 0
      let start = end + (isOdd ? 3 : within)
      unsafe pieces.append(
        UnsafeMutableRawBufferPointer(rebasing: whole[start..<start + length]))
      if isPaged, let base = unsafe whole.baseAddress { unsafe pages.append(base + end) }
    }
    unsafe self.pieces = unsafe pieces
    switch shape {
    case .contiguous, .contiguousOdd: unsafe memory = .contiguous(pieces[0])
    case .vectors, .vectorsOdd, .vectorsMany: unsafe memory = .vectors(pieces)
    case .pages: unsafe memory = .pages(PageList(pages: pages))
    case .pagesFromWithin: unsafe memory = .pages(PageList(pages: pages, firstPageOffset: 1024))
    }
  }

  deinit { unsafe whole.deallocate() }

  private static func lengths(_ shape: Shape, byteCount: Int) -> [Int] {
    let wanted: [Int]
    switch shape {
    case .contiguous, .contiguousOdd: return [byteCount]
    case .vectors: wanted = [512, 4096, 1024, 8192, 0, 512]
    case .vectorsOdd: wanted = [4096, 512, 1536]
    case .vectorsMany: wanted = [512]
    case .pages: wanted = [4096]
    case .pagesFromWithin: wanted = [3072] + Array(repeating: 4096, count: byteCount / 4096 + 1)
    }
    var lengths: [Int] = []
    var left = byteCount
    while left > 0 {
      let length = min(left, wanted[lengths.count % wanted.count])
      lengths.append(length)
      left -= length
    }
    return lengths
  }

  func fill(_ bytes: [UInt8]) {
    var offset = 0
    for index in unsafe pieces.indices {
      let piece = unsafe pieces[index]
      unsafe piece.copyBytes(from: bytes[offset..<offset + piece.count])
      offset += piece.count
    }
  }

  /// The bytes in the order of the list.
  var bytes: [UInt8] { unsafe pieces.flatMap { unsafe [UInt8]($0) } }

  /// Some bytes of it, counted in sectors.
  func bytes(_ first: Int, _ count: Int) -> [UInt8] {
    Array(bytes[first * sectorByteCount..<(first + count) * sectorByteCount])
  }
}
