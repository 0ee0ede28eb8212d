import BlockIO
import BlockIOThreads
import BlockIOUring
import DMIO
import Glibc
import Testing

/// A client that is made with its memory: the same bytes go the same ways.
@Suite("Adopted memory", .endsInTime)
struct AdoptedMemoryTests {
  @Test("requests in the pool, across its pieces and beside it", arguments: Bench.allCases)
  func everyPlace(bench: Bench) throws {
    let rig = try Rig(bench, deviceCount: 2)
    let pool = try MemoryPool(pieceByteCount: 64 << 10, pieceCount: 3)
    let client = IOClient(backend: rig.client.backend, pages: 1, memory: pool)
    let regions = (0..<2).map { rig.region($0, 16, 128) }
    for seed in 1...4 as ClosedRange<UInt8> {
      let bytes = pattern(sectors: 128, seed: seed)
      let beside = SampleMemory(.contiguous, bytes: bytes)
      #expect(try client.perform(.write, on: regions, memory: beside.memory).isSuccess)
      try unsafe pool.withPiece { piece in
        let read = unsafe try client.perform(.read, on: [regions[1]], memory: .contiguous(piece))
        #expect(read.isSuccess)
        unsafe #expect(isSame(Array(piece), bytes))
        unsafe piece.copyBytes(from: pattern(sectors: 128, seed: seed &+ 100))
        for operation in [Operation.write, .writeThrough] {
          let written = unsafe try client.perform(
            operation, on: regions, memory: .contiguous(piece))
          #expect(written.isSuccess)
        }
        // To the very last byte, and from the middle.
        let tail = unsafe UnsafeMutableRawBufferPointer(rebasing: piece[(60 << 10)...])
        let last = unsafe try client.perform(
          .write, on: [rig.region(0, 0, 8)], memory: .contiguous(tail))
        #expect(last.isSuccess)
      }
      let changed = pattern(sectors: 128, seed: seed &+ 100)
      for index in 0..<2 { #expect(try isSame(rig.bytes(index, 16, 128), changed)) }
      #expect(try isSame(rig.bytes(0, 0, 8), Array(changed[(60 << 10)...])))
      let back = SampleMemory(.vectors, byteCount: changed.count)
      #expect(try client.perform(.read, on: [regions[0]], memory: back.memory).isSuccess)
      #expect(isSame(back.bytes, changed))
    }
  }

  @Test("all forms on all of the client's lanes", arguments: Bench.allCases)
  func everyLane(bench: Bench) async throws {
    let rig = try Rig(bench, deviceCount: 1)
    let pool = try MemoryPool(pieceByteCount: 8192, pieceCount: 4)
    let client = IOClient(backend: rig.client.backend, pages: 2, memory: pool)
    let lane = try client.makeLane()
    let list = RegionList([rig.region(0, 0, 16)])
    try unsafe pool.withPiece { piece in
      unsafe piece.copyBytes(from: pattern(sectors: 16, seed: 3))
      guard let base = piece.baseAddress else { return }
      var request = list.request(.write)
      request.memory = unsafe .contiguous(base, byteCount: piece.count)
      try lane.perform(request).orThrow()
    }
    client.giveBack(lane)
    #expect(try isSame(rig.bytes(0, 0, 16), pattern(sectors: 16, seed: 3)))
    let region = rig.region(0, 0, 16)
    try await unsafe pool.awaitPiece { (piece) async throws in
      unsafe try await client.run(.read, on: [region], memory: .contiguous(piece)).orThrow()
      unsafe #expect(isSame(Array(piece), pattern(sectors: 16, seed: 3)))
    }
  }

  @Test("io_uring holds the memory, and does without where the limit does not allow it")
  func limit() async throws {
    if let errno = UringBackend.refusal() {
      let reason = Comment(rawValue: "io_uring: \(errno.name)")
      try Test.cancel(reason)
    }
    // In a process of its own: the limit is the process's, and so are the rings to be counted.
    await #expect(processExitsWith: .success) {
      let file = try TemporaryFile(in: temporaryFolder, byteCount: 1 << 20)
      let device = try DeviceFile(path: file.path, access: .direct)
      // Half of the limit, so that there is room for rings.
      for (limit, heldCount) in [(512 << 10, 1), (128 << 10, 0)] {
        var memory = rlimit(rlim_cur: rlim_t(limit), rlim_max: 512 << 10)
        guard unsafe setrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &memory) == 0 else {
          exit(2)
        }
        for _ in 0..<3 {
          let found = try copyThrough(device)
          if found.heldCount != heldCount || !found.isRight { exit(3) }
        }
      }
    }
  }
}

/// Writes and reads through a client with memory; tells how many rings held it meanwhile.
private func copyThrough(_ file: DeviceFile) throws -> (heldCount: Int, isRight: Bool) {
  let pool = try MemoryPool(pieceByteCount: 64 << 10, pieceCount: 2)
  let client = IOClient(backend: UringBackend(), pages: 1, memory: pool)
  let region = Region(
    device: file.device, sectors: SectorRange(first: Sector(8), count: SectorCount(128)))
  return try unsafe pool.withPiece { piece in
    unsafe piece.copyBytes(from: pattern(sectors: 128))
    unsafe try client.perform(.write, on: [region], memory: .contiguous(piece)).orThrow()
    unsafe _ = piece.initializeMemory(as: UInt8.self, repeating: 0)
    unsafe try client.perform(.read, on: [region], memory: .contiguous(piece)).orThrow()
    return unsafe (heldBufferCount(), isSame(Array(piece), pattern(sectors: 128)))
  }
}

/// Buffers that the rings of this process hold, as the kernel tells.
private func heldBufferCount() -> Int {
  var count = 0
  for descriptor in 0..<256 {
    guard let file = unsafe fopen("/proc/self/fdinfo/\(descriptor)", "r") else { continue }
    defer { unsafe fclose(file) }
    var line = [CChar](repeating: 0, count: 512)
    while unsafe fgets(&line, CInt(line.count), file) != nil {
      let bytes = line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      let text = String(decoding: bytes, as: UTF8.self)
      guard text.hasPrefix("UserBufs:") else { continue }
      count += Int(text.split(whereSeparator: \.isWhitespace).last ?? "") ?? 0
    }
  }
  return count
}
