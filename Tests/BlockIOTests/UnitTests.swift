import BlockIO
import Testing

@Suite("Sectors and bits")
struct UnitTests {
  private func range(_ first: UInt64, _ count: UInt64) -> SectorRange {
    SectorRange(first: Sector(first), count: SectorCount(count))
  }

  @Test func sectorsAre512Bytes() {
    #expect(Sector(3).byteOffset == 1536)
    #expect(SectorCount(3).byteCount == 1536)
    #expect(Sector(5) + SectorCount(3) == Sector(8))
    #expect(Sector(8) - Sector(5) == SectorCount(3))
    #expect(SectorRange(Sector(5), upTo: Sector(8)) == range(5, 3))
    #expect(range(2048, 9).description == "2048+9")
  }

  @Test(
    arguments: [
      (8, 8, 16, 8, false), (8, 9, 16, 8, true), (16, 8, 8, 8, false), (16, 8, 8, 9, true),
      (0, 100, 50, 1, true), (50, 1, 0, 100, true), (5, 1, 5, 1, true),
    ] as [(UInt64, UInt64, UInt64, UInt64, Bool)])
  func overlap(a: UInt64, aCount: UInt64, b: UInt64, bCount: UInt64, expected: Bool) {
    #expect(range(a, aCount).overlaps(range(b, bCount)) == expected)
  }

  @Test func containment() {
    #expect(range(8, 8).contains(range(8, 8)))
    #expect(range(8, 8).contains(range(10, 0)))
    #expect(!range(8, 8).contains(range(7, 2)))
    #expect(!range(8, 8).contains(range(15, 2)))
    #expect(range(4, 0).isEmpty && !range(4, 1).isEmpty)
  }

  @Test func regionWithinItsDevice() {
    let device = Device(descriptor: -1, capacity: SectorCount(100))
    func isWithin(_ first: UInt64, _ count: UInt64) -> Bool {
      Region(device: device, sectors: range(first, count)).isWithinDevice
    }
    #expect(isWithin(0, 100) && isWithin(99, 1) && isWithin(100, 0))
    #expect(!isWithin(99, 2) && !isWithin(101, 0) && !isWithin(0, 101))
    #expect(!isWithin(.max, .max) && !isWithin(8, .max) && !isWithin(.max, 8))
  }

  @Test("E17 the bits run from 0 to 63")
  func errorBits() {
    var bits: ErrorBits = []
    #expect(bits.lowestIndex == nil && bits.count == 0 && bits.description == "0x0")
    bits.insert(index: 63)
    bits.insert(index: 32)
    #expect(bits.contains(index: 63) && bits.contains(index: 32))
    #expect(!bits.contains(index: 31) && !bits.contains(index: 64) && !bits.contains(index: -1))
    #expect(bits.count == 2 && bits.lowestIndex == 32)
    #expect(bits.description == "0x8000000100000000")
    #expect(ErrorBits(index: 1).description == "0x2")
  }

  @Test func errnoNames() {
    #expect(Errno.ioError.name == "EIO")
    #expect(Errno.noSpace.description == "No space left on device")
    #expect(Errno(99999).name == "99999")
  }

  @Test func operationsThatMoveData() {
    #expect(Operation.allCases.filter(\.movesData) == [.read, .write, .writeThrough])
  }
}
