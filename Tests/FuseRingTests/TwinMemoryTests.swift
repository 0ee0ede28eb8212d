import Testing

@testable import FuseRing

@Suite("Memory of a seat")
struct TwinMemoryTests {
  @Test("Legs and kernel see the same bytes; after a renewal a late leg spoils nothing any more")
  func renewal() throws {
    let memory = try TwinMemory(byteCount: 8192)
    unsafe memory.legSide.storeBytes(of: 1, toByteOffset: 4096, as: UInt8.self)
    #expect(unsafe memory.kernelSide.load(fromByteOffset: 4096, as: UInt8.self) == 1)

    let (kernelSide, late) = unsafe (memory.kernelSide, memory.legSide)
    let free = memory.renew()
    #expect(unsafe memory.kernelSide == kernelSide, "the kernel was told one address for good")
    #expect(unsafe memory.legSide != late)
    unsafe memory.legSide.storeBytes(of: 2, toByteOffset: 4096, as: UInt8.self)
    unsafe late.storeBytes(of: 3, toByteOffset: 4096, as: UInt8.self)
    #expect(unsafe memory.kernelSide.load(fromByteOffset: 4096, as: UInt8.self) == 2)
    // And the other way: what a late leg is written from stays as it was.
    unsafe memory.kernelSide.storeBytes(of: 4, toByteOffset: 4096, as: UInt8.self)
    #expect(unsafe late.load(fromByteOffset: 4096, as: UInt8.self) == 3)
    free()
  }
}

@Suite("Looking before sleeping")
struct SpinPatienceTests {
  @Test("Pays after some short sleeps in a row, and for a long time not after a look in vain")
  func score() {
    var patience = SpinPatience(isPossible: true)
    for _ in 0..<4 {
      #expect(!patience.isWorthSpinning)
      patience.noteSleep(isShort: true)
    }
    #expect(patience.isWorthSpinning)
    patience.noteSpin(true)
    #expect(patience.isWorthSpinning)
    patience.noteSpin(false)
    for _ in 0..<20 {
      #expect(!patience.isWorthSpinning)
      patience.noteSleep(isShort: true)
    }
    #expect(patience.isWorthSpinning)
    patience.noteSleep(isShort: false)
    #expect(!patience.isWorthSpinning)
  }

  @Test("Never on a machine with one processor")
  func oneProcessor() {
    var patience = SpinPatience(isPossible: false)
    for _ in 0..<100 { patience.noteSleep(isShort: true) }
    #expect(!patience.isWorthSpinning)
  }
}
