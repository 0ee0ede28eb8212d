import BlockIO
import CLinux
import Glibc
import Testing

/// Transfers cut into steps, against a kernel that answers as the test says.
@Suite("TransferProgress")
struct TransferProgressTests {
  @safe private final class Case {
    let memory: UnsafeMutableRawBufferPointer
    let progress = TransferProgress()

    init(
      _ operation: BlockIO.Operation, byteCount: Int = 8192, shift: Int = 0,
      isDirect: Bool = false, kind: Device.Kind = .file
    ) {
      unsafe memory = .allocate(byteCount: byteCount + 4096, alignment: 4096)
      unsafe memory.initializeMemory(as: UInt8.self, repeating: 0xEE)
      let device = Device(
        descriptor: -1, kind: kind, latency: .device, isDirect: isDirect,
        memoryAlignment: isDirect ? 512 : 1, capacity: SectorCount(1 << 20))
      let shape: TransferMemory =
        if operation.movesData, let base = unsafe memory.baseAddress {
          unsafe .contiguous(base + shift, byteCount: byteCount)
        } else { .none }
      progress.begin(
        Transfer(
          tag: 7, operation: operation, device: device, byteOffset: 4096, byteCount: byteCount,
          memory: shape))
    }

    deinit { unsafe memory.deallocate() }

    /// Offset and length of the next step, and whether it goes to memory of the transfer itself.
    func step() -> (offset: UInt64, byteCount: Int, isOwnMemory: Bool)? {
      switch progress.nextStep() {
      case .read(let address, let count, let offset), .write(let address, let count, let offset):
        let distance = unsafe Int(bitPattern: address) - Int(bitPattern: memory.baseAddress)
        return unsafe (offset, count, memory.indices.contains(distance))
      case .readVectors(let list, let count, let offset),
        .writeVectors(let list, let count, let offset, _):
        let bytes = (0..<count).reduce(0) { unsafe $0 + list[$1].iov_len }
        let first = unsafe list[0].iov_base
        let distance = unsafe Int(bitPattern: first) - Int(bitPattern: memory.baseAddress)
        return unsafe (offset, bytes, memory.indices.contains(distance))
      default: return nil
      }
    }

    /// The fallocate mode of the next step.
    func mode() -> CInt? {
      if case .allocate(let mode, _, _) = progress.nextStep() { return mode }
      return nil
    }
  }

  @Test("short transfers go on where they stopped", arguments: [BlockIO.Operation.read, .write])
  func shortTransfers(operation: BlockIO.Operation) {
    let sample = Case(operation)
    #expect(sample.step() ?? (0, 0, false) == (4096, 8192, true))
    #expect(sample.progress.finishStep(100) == nil)
    #expect(sample.step() ?? (0, 0, false) == (4196, 8092, true))
    #expect(sample.progress.finishStep(8000) == nil)
    let result = sample.progress.finishStep(92)
    #expect(result == TransferResult(tag: 7, errorNumber: 0, byteCount: 8192))
  }

  @Test("EINTR and EAGAIN are asked again, EAGAIN not for ever")
  func interrupted() {
    let sample = Case(.write)
    for _ in 0..<5000 { #expect(sample.progress.finishStep(-Int(EINTR)) == nil) }
    for _ in 0..<500 { #expect(sample.progress.finishStep(-Int(EAGAIN)) == nil) }
    #expect(sample.progress.finishStep(4096) == nil)
    var result: TransferResult?
    for _ in 0..<5000 where result == nil {
      result = sample.progress.finishStep(-Int(EAGAIN))
    }
    #expect(result == TransferResult(tag: 7, errorNumber: EAGAIN, byteCount: 4096))
  }

  @Test("an error keeps its number and the bytes before it")
  func failure() {
    let sample = Case(.read)
    #expect(sample.progress.finishStep(512) == nil)
    #expect(
      sample.progress.finishStep(-Int(ENXIO))
        == TransferResult(tag: 7, errorNumber: ENXIO, byteCount: 512))
  }

  @Test("the end of a device is EIO, also within a direct device's block")
  func endOfDevice() {
    let sample = Case(.read)
    #expect(sample.progress.finishStep(100) == nil)
    #expect(
      sample.progress.finishStep(0) == TransferResult(tag: 7, errorNumber: EIO, byteCount: 100))
    let direct = Case(.read, isDirect: true)
    #expect(
      direct.progress.finishStep(1000)
        == TransferResult(tag: 7, errorNumber: EIO, byteCount: 1000))
  }

  @Test("misaligned memory goes through a bounce buffer on direct devices alone")
  func bounce() {
    #expect(Case(.read, shift: 3).step()?.isOwnMemory == true)
    #expect(Case(.read, shift: 512, isDirect: true).step()?.isOwnMemory == true)
    let sample = Case(.read, byteCount: 300 * 1024, shift: 3, isDirect: true)
    #expect(sample.step() ?? (0, 0, true) == (4096, 256 * 1024, false))
    #expect(sample.progress.finishStep(256 * 1024) == nil)
    unsafe #expect(sample.memory[2] == 0xEE && sample.memory[3 + 256 * 1024] == 0xEE)
    #expect(sample.step() ?? (0, 0, true) == (4096 + 256 * 1024, 44 * 1024, false))
    #expect(sample.progress.finishStep(44 * 1024)?.errorNumber == 0)
  }

  @Test("one step is at most a gigabyte")
  func giantStep() {
    let sample = Case(.write)
    guard let base = unsafe sample.memory.baseAddress else { return }
    // Never touched: only the arithmetic is looked at.
    unsafe sample.progress.begin(
      Transfer(
        tag: 1, operation: .write, device: sample.progress.transfer.device, byteOffset: 0,
        byteCount: 3 << 30, memory: .contiguous(base, byteCount: 3 << 30)))
    #expect(sample.step()?.byteCount == 1 << 30)
    #expect(sample.progress.finishStep(1 << 30) == nil)
    #expect(sample.step()?.offset == 1 << 30)
  }

  @Test("E14 each way to zero a range is tried once, the wanted one first")
  func zeroing() {
    let reserved = Case(.writeZeroesReserved)
    let first = reserved.mode()
    #expect(reserved.progress.finishStep(-Int(EOPNOTSUPP)) == nil)
    let second = reserved.mode()
    #expect(first != second && first != nil)
    #expect(reserved.progress.finishStep(-Int(EOPNOTSUPP))?.errorNumber == EOPNOTSUPP)
    let punching = Case(.writeZeroes)
    #expect(punching.mode() == second)
    #expect(punching.progress.finishStep(0)?.errorNumber == 0)
    let failing = Case(.writeZeroes)
    #expect(failing.progress.finishStep(-Int(EIO))?.errorNumber == EIO)
  }

  @Test("E14 a discard punches files, discards blocks, and has no second way")
  func discard() {
    #expect(Case(.discard).mode() == Case(.writeZeroes).mode())
    let block = Case(.discard, kind: .blockDevice)
    guard case .discardBlocks(4096, 8192) = block.progress.nextStep() else {
      Issue.record("not a discard of blocks")
      return
    }
    #expect(block.progress.finishStep(-Int(EOPNOTSUPP))?.errorNumber == EOPNOTSUPP)
  }

  @Test("a write-through is durable, a write is not")
  func durability() {
    guard case .writeVectors(_, _, _, true) = Case(.writeThrough).progress.nextStep() else {
      Issue.record("not durable")
      return
    }
    guard case .write = Case(.write).progress.nextStep() else {
      Issue.record("not a plain write")
      return
    }
  }
}
