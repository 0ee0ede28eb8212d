import BlockIO
import Foundation
import Testing

@testable import Mirror

@Suite("The write-intent map (M9)")
final class IntentMapTests {
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("mirrorfs-intent-\(UUID().uuidString)").path
  private var path: String { folder + "/intent" }
  /// Eight sectors a chunk.
  private static let chunk = SectorCount(8)

  init() throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private func map(sectors: UInt64 = 800, _ safety: IntentMap.Safety = .process) throws -> IntentMap
  {
    try IntentMap(
      path: path, sectorCount: SectorCount(sectors), chunk: Self.chunk, safety: safety)
  }

  private func range(_ first: UInt64, _ count: UInt64) -> SectorRange {
    SectorRange(first: Sector(first), count: SectorCount(count))
  }

  @Test("A mark is on disk when the call returns, and covers whole chunks")
  func marks() throws {
    let made = try map()
    #expect(made.dirtyAtOpen.isEmpty && made.damage == nil)
    try made.mark(range(20, 8))
    #expect(try map().dirtyAtOpen.ranges == [range(16, 16)])
    #expect(made.markedCount == 2)
    try made.clear(range(16, 8))
    #expect(try map().dirtyAtOpen.ranges == [range(24, 8)])
  }

  @Test("Only a writer that goes on where it was marks ahead")
  func ahead() throws {
    let made = try map()
    try made.mark(range(80, 8))
    #expect(made.markedCount == 1)
    try made.mark(range(88, 8))
    #expect(made.markedCount == 10)
    var waits = 0
    try made.mark(range(152, 8)) { waits += 1 }
    #expect(waits == 0, "marked ahead already")
  }

  @Test("The volume's last chunk may be shorter")
  func lastChunk() throws {
    let made = try map(sectors: 20)
    try made.mark(range(16, 4))
    #expect(try map(sectors: 20).dirtyAtOpen.ranges == [range(16, 4)])
  }

  @Test("What was not written since the last look is idle")
  func idle() throws {
    let made = try map()
    try made.mark(range(0, 8))
    try made.mark(range(400, 8))
    #expect(made.takeIdle().isEmpty)
    try made.mark(range(400, 8))
    #expect(made.takeIdle() == [range(0, 8)])
  }

  @Test("A flipped bit, anywhere: more is dirty, never less, and it is said")
  func damage() throws {
    do {
      let made = try map()
      try made.mark(range(40, 8))
    }
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(bytes.count == 1024)
    for byte in 0..<bytes.count {
      var damaged = bytes
      damaged[byte] ^= 1 << UInt8(byte % 8)
      try damaged.write(to: URL(fileURLWithPath: path))
      let found = try map()
      #expect(found.damage != nil, "byte \(byte)")
      #expect(found.dirtyAtOpen.ranges == [range(0, 800)], "byte \(byte)")
    }
  }

  @Test("Marks of other chunks are taken over, in either direction, and the map is made anew")
  func otherChunks() throws {
    func map(_ chunk: UInt64) throws -> IntentMap {
      try IntentMap(
        path: path, sectorCount: SectorCount(100_000), chunk: SectorCount(chunk), safety: .process)
    }
    do {
      let made = try map(8)
      for first: UInt64 in [40, 56, 99_992] { try made.mark(range(first, 8)) }
    }
    for (chunk, dirty): (UInt64, _) in [
      (64, [range(40, 8), range(56, 8), range(99_992, 8)]),
      (64, [range(0, 64), range(99_968, 32)]),
      (8, [range(0, 64), range(99_968, 32)]),
    ] {
      let found = try map(chunk)
      #expect(found.damage == nil)
      #expect(found.dirtyAtOpen.ranges == dirty)
      #expect(found.marked().reduce(0) { $0 + $1.count.rawValue } == 96)
    }
  }

  @Test("A map that was cut off, or of another size, says nothing: all is dirty")
  func otherGeometry() throws {
    _ = try map()
    #expect(try map(sectors: 1600).dirtyAtOpen.ranges == [range(0, 1600)])
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    for count in [1, 512, 1000, 1023] {
      try bytes.prefix(count).write(to: URL(fileURLWithPath: path))
      #expect(try map(sectors: 1600).dirtyAtOpen.ranges == [range(0, 1600)], "\(count) bytes")
    }
  }

  @Test("Many threads mark and clear: each mark is on disk when its call returns")
  func concurrency() throws {
    let made = try map(sectors: 64_000, .durable)
    let failures = ConditionLock(0)
    let threads = (0..<8).map { number in
      IOThread(name: "mark-\(number)") {
        for round in 0..<200 {
          let first = UInt64(number * 1000 + round % 50 * 16) * 8
          let range = SectorRange(first: Sector(first), count: Self.chunk)
          do throws(Errno) {
            try made.mark(range)
            if round % 50 == 49 { try made.clear(range) }
          } catch {
            failures.withLock { $0 += 1 }
          }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(failures.withLock { $0 } == 0)
    let onDisk = try map(sectors: 64_000).dirtyAtOpen
    for range in made.marked() { #expect(onDisk.contains(range)) }
    #expect(made.markedCount == 8 * 49)
  }

  @Test("A map of 16 TiB takes no more than its bits")
  func large() throws {
    let made = try IntentMap(
      path: path, sectorCount: SectorCount(1 << 35), chunk: SectorCount(8192), safety: .process)
    try made.mark(range((1 << 35) - 8, 8))
    let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
    #expect(size == 512 * (1 + (4_194_304 + 3967) / 3968))
    #expect(made.takeIdle().isEmpty)
    // As mkfs does, that punches the whole of it first.
    try made.mark(range(0, 1 << 35))
    #expect(made.markedCount == 4_194_304)
    #expect(made.marked().count == 1058)
    for range in made.marked() { try made.clear(range) }
    #expect(made.markedCount == 0 && made.marked().isEmpty)
  }

  @Test("At rest a map holds no descriptor, and one that is gone takes no marks")
  func closed() throws {
    let made = try map(.durable)
    try made.mark(range(0, 8))
    let folder = "/proc/self/fd"
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
      let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)")
      #expect(target != path)
    }
    try FileManager.default.removeItem(atPath: path)
    #expect(throws: Errno.noSuchFile) { try made.mark(range(80, 8)) }
    #expect(made.markedCount == 1)
    #expect(throws: Errno.noSuchFile) { try made.sync() }
  }
}
