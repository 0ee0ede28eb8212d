import BlockIO
import DMIO
import Testing

/// Requests larger than what a system call takes, and devices of different logical blocks.
@Suite("Sizes: E2, E11, E13", .endsInTime)
struct SizeTests {
  @Test("requests of 1 and of 5 GiB through a pool of one page", arguments: Bench.allCases)
  func gibibytes(bench: Bench) throws {
    guard bench != .memory, !bench.isLoop else { return }
    try bench.require()
    let client = IOClient(backend: bench.makeBackend(), pages: 1)
    let sectors: UInt64 = 5 << 21
    let file = try TemporaryFile(in: bench.folder, byteCount: Int(sectors) * sectorByteCount)
    let access = bench.folder == "/dev/shm" ? DeviceFile.Access.automatic : .direct
    let opened = try DeviceFile(path: file.path, access: access)
    func region(_ first: UInt64, _ count: UInt64) -> Region {
      Region(
        device: opened.device,
        sectors: SectorRange(first: Sector(first), count: SectorCount(count)))
    }
    // Marks at both ends and behind 1, 2 and 4 GiB, in a file that is otherwise a hole.
    let marks: [UInt64] = [0, 1 << 21, 1 << 22, 1 << 23, sectors - 8]
    for (index, mark) in marks.enumerated() {
      let memory = SampleMemory(.contiguous, bytes: pattern(sectors: 8, seed: UInt8(index)))
      try client.perform(.write, on: [region(mark, 8)], memory: memory.memory).orThrow()
    }
    // The same mebibyte again and again: only the last piece of it can be looked at.
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
    defer { unsafe memory.deallocate() }
    for (count, seed) in [(1 << 21 | 8, 1), (5 << 21, 4)] as [(UInt64, UInt8)] {
      var pieces = unsafe [UnsafeMutableRawBufferPointer](
        repeating: memory, count: Int(count) / 2048)
      let rest = Int(count) % 2048 * sectorByteCount
      if rest > 0 {
        unsafe pieces.append(UnsafeMutableRawBufferPointer(rebasing: memory[..<rest]))
      }
      unsafe memory.initializeMemory(as: UInt8.self, repeating: 0xEE)
      try unsafe client.perform(.read, on: [region(0, count)], memory: .vectors(pieces)).orThrow()
      let end = rest > 0 ? rest : memory.count
      #expect(
        isSame(unsafe Array(memory[(end - 4096)..<end]), pattern(sectors: 8, seed: seed)))
    }
    for operation in [Operation.writeZeroes, .discard] {
      try client.perform(operation, on: [region(0, sectors - 8)]).orThrow()
    }
    let last = SampleMemory(.contiguous, byteCount: 4096)
    try client.perform(.read, on: [region(sectors - 8, 8)], memory: last.memory).orThrow()
    #expect(isSame(last.bytes, pattern(sectors: 8, seed: 4)))
    try client.perform(.read, on: [region(1 << 23, 8)], memory: last.memory).orThrow()
    #expect(isSame(last.bytes, [UInt8](repeating: 0, count: 4096)))
  }

  @Test(
    "devices of 512 and 4096 byte blocks in one request",
    arguments: [Bench.threadsLoop, .uringLoop], SampleMemory.Shape.allCases)
  func mixedBlocks(bench: Bench, shape: SampleMemory.Shape) throws {
    try bench.require()
    let client = IOClient(backend: bench.makeBackend(), pages: 1)
    let files = try (0..<2).map { _ in
      try TemporaryFile(in: temporaryFolder, byteCount: Rig.byteCount)
    }
    let small = try LoopDevice.open(on: files[0], blockByteCount: 512)
    let large = try LoopDevice.open(on: files[1], blockByteCount: 4096)
    #expect(small.device.logicalBlockByteCount == 512)
    #expect(large.device.logicalBlockByteCount == 4096)
    func region(_ device: Device, _ first: UInt64, _ count: UInt64) -> Region {
      Region(
        device: device, sectors: SectorRange(first: Sector(first), count: SectorCount(count)))
    }
    let bytes = pattern(sectors: 64)
    let written = SampleMemory(shape, bytes: bytes)
    try client.perform(
      .write, on: [region(small.device, 3, 64), region(large.device, 8, 64)],
      memory: written.memory
    ).orThrow()
    for (device, first) in [(small.device, 3), (large.device, 8)] as [(Device, UInt64)] {
      let read = SampleMemory(shape, byteCount: bytes.count)
      try client.perform(.read, on: [region(device, first, 64)], memory: read.memory).orThrow()
      #expect(isSame(read.bytes, bytes))
    }
    // What the large one cannot address fails there alone.
    let result = try client.perform(
      .write, on: [region(large.device, 3, 8), region(small.device, 200, 8)],
      memory: written.memory)
    #expect(result.failures == [RegionFailure(regionIndex: 0, error: .invalid)])
    let read = SampleMemory(.contiguous, byteCount: 4096)
    try client.perform(.read, on: [region(small.device, 200, 8)], memory: read.memory).orThrow()
    #expect(isSame(read.bytes, Array(bytes[..<4096])))
    let beyond = SampleMemory(.contiguous, byteCount: 8192)
    let odd = try client.perform(.read, on: [region(large.device, 0, 9)], memory: beyond.memory)
    #expect(odd.error(region: 0) == .invalid)
    #expect(isSame(beyond.bytes(0, 9), [UInt8](repeating: 0, count: 9 * sectorByteCount)))
    #expect(isSame(beyond.bytes(9, 7), [UInt8](repeating: 0xEE, count: 7 * sectorByteCount)))
  }
}
