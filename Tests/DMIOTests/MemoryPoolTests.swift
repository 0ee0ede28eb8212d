import BlockIO
import BlockIOFaults
import DMIO
import Glibc
import Testing

/// Memory and slots for more requests than there is room for: all wait, none fails, nothing grows.
@Suite("Memory pool: E15", .endsInTime)
struct MemoryPoolTests {
  @Test("pieces are page aligned, apart, and there from the start")
  func pieces() throws {
    for (pieceByteCount, count) in [(512, 4), (4096, 3), (512 << 10, 8), (3 << 20, 2)] {
      let pool = try MemoryPool(pieceByteCount: pieceByteCount, pieceCount: count)
      #expect(pool.pieceByteCount >= pieceByteCount)
      #expect(pool.pieceByteCount % 4096 == 0)
      try expectApart(pool, held: [])
      #expect(pool.inUseCount == 0)
    }
  }

  /// Holds all pieces at once, one in the other's call.
  private func expectApart(_ pool: MemoryPool, held: [UInt]) throws {
    guard held.count < pool.pieceCount else { return #expect(pool.inUseCount == held.count) }
    try unsafe pool.withPiece { bytes in
      let address = UInt(bitPattern: bytes.baseAddress)
      #expect(address % 4096 == 0)
      #expect(bytes.count == pool.pieceByteCount)
      #expect(unsafe bytes.allSatisfy { $0 == 0 })
      for other in held { #expect(max(address, other) - min(address, other) >= bytes.count) }
      unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0)
      try expectApart(pool, held: held + [address])
    }
  }

  @Test("a thread waits for a piece")
  func threadsWait() throws {
    let pool = try MemoryPool(pieceByteCount: 4096, pieceCount: 1)
    let got = ConditionLock(false)
    var thread: IOThread?
    unsafe pool.withPiece { _ in
      thread = IOThread(name: "test-piece") {
        unsafe pool.withPiece { _ in got.withLock { $0 = true } }
        got.wakeAll()
      }
      #expect(
        got.wait(atMostMilliseconds: CompletionTests.grace) { $0 ? true : nil } == nil)
    }
    #expect(got.wait(atMostMilliseconds: 30_000) { $0 ? true : nil } == true)
    thread?.join()
  }

  @Test(
    "10,000 requests at once through 4 pages of memory and a client of 4 pages",
    arguments: [Bench.memory, .threadsDirect, .uringDirect])
  func tenThousand(bench: Bench) async throws {
    let rig = try Rig(bench, deviceCount: 1, pages: 4)
    let pool = try MemoryPool(pieceByteCount: 4096, pieceCount: 4)
    #expect(await mostPiecesUsed(rig, pool) == 4)
    #expect(pool.inUseCount == 0)
    #expect(rig.client.inUseCount == 0)
  }

  @Test("10,000 requests at once need no more memory than their tasks")
  func boundedMemory() async {
    // In a process of its own, because others allocate, too.
    await #expect(processExitsWith: .success) {
      let rig = try Rig(.memory, deviceCount: 1, pages: 4)
      let pool = try MemoryPool(pieceByteCount: 1 << 20, pieceCount: 4)
      let before = residentByteCount()
      let most = await mostPiecesUsed(rig, pool)
      // A mebibyte each would be 10 GiB.
      let growth = residentByteCount() - before
      if most != 4 || growth > 128 << 20 { exit(1) }
    }
  }

  @Test(
    "10,000 requests wait for slots and block no thread",
    arguments: [Bench.memory, .threadsDirect, .uringDirect])
  func nobodyIsBlocked(bench: Bench) async throws {
    let gate = Gate()
    let rig = try Rig(bench, deviceCount: 1, pages: 4) { _ in .hold(gate) }
    let region = rig.region(0, 0, 0)
    let failedCount = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<10_000 {
        group.addTask { (try? await rig.client.run(.flush, on: [region]))?.isSuccess ?? false }
      }
      // Ends only if tasks still get a thread, while all of those wait.
      group.addTask {
        while rig.client.inUseCount < 16 { await Task.yield() }
        _ = await Task { 1 }.value
        #expect(rig.client.inUseCount == 16)
        gate.open()
        return true
      }
      return await group.reduce(0) { $0 + ($1 ? 0 : 1) }
    }
    #expect(failedCount == 0)
    #expect(rig.seen.count == 10_000)
    #expect(rig.client.inUseCount == 0)
  }

  @Test("threads and tasks take turns, and a put of the last page refuses both")
  func turnsAndEnd() async throws {
    let gate = Gate()
    let rig = try Rig(.memory, deviceCount: 1, pages: 1) { _ in .hold(gate) }
    let region = rig.region(0, 0, 0)
    let ended = Notified()
    for _ in 0..<4 { try rig.client.start(.flush, on: [region]) { ended.append($0) } }
    let refused = ConditionLock(0)
    let note: @Sendable (IORequestError?) -> Void = { error in
      if error == .noPool { refused.withLock { $0 += 1 } }
      refused.wakeAll()
    }
    let thread = IOThread(name: "test-waiter") {
      do throws(IORequestError) { _ = try rig.client.perform(.flush, on: [region]) } catch {
        note(error)
      }
    }
    let task = Task {
      do throws(IORequestError) { _ = try await rig.client.run(.flush, on: [region]) } catch {
        note(error)
      }
    }
    #expect(refused.wait(atMostMilliseconds: CompletionTests.grace) { $0 > 0 ? $0 : nil } == nil)
    try rig.client.put(pages: 1)
    // The task gets a thread only when some other test gives one free.
    await task.value
    #expect(refused.wait(atMostMilliseconds: 30_000) { $0 == 2 ? $0 : nil } == 2)
    thread.join()
    gate.open()
    try ended.wait(count: 4)
    #expect(rig.client.inUseCount == 0)
  }
}

/// Runs 10,000 requests at once; returns how many pieces were in use at most, or 0 when what was
/// read was not what was written.
private func mostPiecesUsed(_ rig: Rig, _ pool: MemoryPool) async -> Int {
  let most = ConditionLock(0)
  let wrongCount = await withTaskGroup(of: Bool.self) { group in
    for number in 0..<10_000 {
      group.addTask {
        await unsafe pool.awaitPiece { bytes in
          let used = pool.inUseCount
          most.withLock { $0 = max($0, used) }
          return await unsafe writeAndRead(rig, bytes, UInt8(truncatingIfNeeded: number))
        }
      }
    }
    return await group.reduce(0) { $0 + ($1 ? 0 : 1) }
  }
  return wrongCount == 0 ? most.withLock { $0 } : 0
}

/// Writes a piece where no other piece is written, and reads it back into the same memory.
private func writeAndRead(
  _ rig: Rig, _ wholePiece: UnsafeMutableRawBufferPointer, _ value: UInt8
) async -> Bool {
  let bytes = unsafe UnsafeMutableRawBufferPointer(rebasing: wholePiece[..<4096])
  let place = UInt64(UInt(bitPattern: bytes.baseAddress) / UInt(wholePiece.count) % 4)
  let region = rig.region(0, place * 8, 8)
  unsafe bytes.initializeMemory(as: UInt8.self, repeating: value)
  let written = unsafe try? await rig.client.run(.write, on: [region], memory: .contiguous(bytes))
  unsafe bytes.initializeMemory(as: UInt8.self, repeating: ~value)
  let read = unsafe try? await rig.client.run(.read, on: [region], memory: .contiguous(bytes))
  return unsafe written?.isSuccess == true && read?.isSuccess == true
    && bytes.allSatisfy { $0 == value }
}

/// Bytes of this process that are in memory.
private func residentByteCount() -> Int {
  guard let file = unsafe fopen("/proc/self/statm", "r") else { return 0 }
  defer { unsafe fclose(file) }
  var line = [CChar](repeating: 0, count: 256)
  guard unsafe fgets(&line, CInt(line.count), file) != nil else { return 0 }
  let text = String(decoding: line.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  return (Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0) * 4096
}
