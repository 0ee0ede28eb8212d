import BlockIO
import Testing

@Suite("MemoryCursor")
struct MemoryCursorTests {
  /// Three pages of known bytes, and the pieces in which a cursor gives them out.
  @safe private final class Memory {
    let whole = UnsafeMutableRawBufferPointer.allocate(byteCount: 3 * 4096, alignment: 4096)
    init() { for index in unsafe 0..<whole.count { unsafe whole[index] = UInt8(index / 512) } }
    deinit { unsafe whole.deallocate() }

    func pieces(_ memory: TransferMemory, skipping: Int = 0, limit: Int) -> [Range<Int>] {
      var cursor = MemoryCursor(memory)
      cursor.advance(by: skipping)
      var found: [Range<Int>] = []
      while let piece = unsafe cursor.piece(limit: limit) {
        let start = unsafe offset(of: piece)
        found.append(start..<start + piece.count)
        cursor.advance(by: piece.count)
      }
      return found
    }

    func offset(of piece: UnsafeMutableRawBufferPointer) -> Int {
      unsafe Int(bitPattern: piece.baseAddress) - Int(bitPattern: whole.baseAddress)
    }

    func part(_ range: Range<Int>) -> UnsafeMutableRawBufferPointer {
      unsafe UnsafeMutableRawBufferPointer(rebasing: whole[range])
    }

    func withVectors(_ ranges: [Range<Int>], _ body: (TransferMemory) -> Void) {
      let list = unsafe ranges.map { unsafe part($0) }
      unsafe list.withUnsafeBufferPointer { list in
        if let base = list.baseAddress { unsafe body(.vectors(base, count: list.count)) }
      }
    }

    func withPages(_ order: [Int], offset: Int, _ body: (TransferMemory) -> Void) {
      let list = unsafe order.compactMap { unsafe part($0 * 4096..<($0 + 1) * 4096).baseAddress }
      unsafe list.withUnsafeBufferPointer { list in
        if let base = list.baseAddress {
          unsafe body(.pages(base, count: list.count, firstPageOffset: offset))
        }
      }
    }
  }

  @Test func contiguousMemory() {
    let memory = Memory()
    guard let base = unsafe memory.whole.baseAddress else { return }
    let shape = unsafe TransferMemory.contiguous(base, byteCount: 5000)
    #expect(shape.byteCount == 5000)
    #expect(memory.pieces(shape, limit: .max) == [0..<5000])
    #expect(memory.pieces(shape, skipping: 4000, limit: 600) == [4000..<4600, 4600..<5000])
    #expect(memory.pieces(shape, skipping: 6000, limit: 600) == [])
  }

  @Test func vectorsWithEmptyOnes() {
    let memory = Memory()
    memory.withVectors([4096..<4608, 7..<7, 0..<1024, 9..<9]) { shape in
      #expect(shape.byteCount == 1536)
      #expect(memory.pieces(shape, limit: .max) == [4096..<4608, 0..<1024])
      #expect(memory.pieces(shape, skipping: 512, limit: 512) == [0..<512, 512..<1024])
      #expect(memory.pieces(shape, skipping: 600, limit: .max) == [88..<1024])
    }
  }

  @Test func pagesFromWithinTheFirst() {
    let memory = Memory()
    memory.withPages([2, 0], offset: 3584) { shape in
      #expect(shape.byteCount == 4608)
      #expect(memory.pieces(shape, limit: .max) == [11776..<12288, 0..<4096])
      #expect(memory.pieces(shape, skipping: 512, limit: 4096) == [0..<4096])
    }
    memory.withPages([1], offset: 5000) { #expect($0.byteCount == 0) }
  }

  @Test func noMemory() {
    #expect(TransferMemory.none.byteCount == 0)
    #expect(Memory().pieces(.none, limit: .max) == [])
  }

  @Test func zeroingStaysWithinItsBytes() {
    let memory = Memory()
    unsafe memory.whole.initializeMemory(as: UInt8.self, repeating: 0xEE)
    memory.withVectors([4096..<4608, 0..<1024]) { shape in
      var cursor = MemoryCursor(shape)
      cursor.advance(by: 256)
      cursor.zero(byteCount: 512)
    }
    let zeroed = unsafe memory.whole.indices.filter { unsafe memory.whole[$0] == 0 }
    #expect(zeroed == Array(0..<256) + Array(4352..<4608))
  }
}
