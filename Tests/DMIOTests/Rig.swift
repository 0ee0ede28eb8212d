import BlockIO
import BlockIOFaults
import DMIO
import Synchronization
import Testing

/// A client with devices full of known bytes, on one bench.
final class Rig: Sendable {
  static let sectorCount = 256
  static let byteCount = sectorCount * sectorByteCount

  let client: IOClient
  let devices: [Device]
  /// What reached the backend.
  let seen = SeenTransfers()
  private let memory: MemoryBackend?
  private let opened: [DeviceFile]
  private let files: [TemporaryFile]

  /// Cancels the test, with the reason, where the bench cannot run.
  init(
    _ bench: Bench, deviceCount: Int = 3, pages: Int = 4,
    rule: FaultBackend.Rule? = nil
  ) throws {
    try bench.require()
    let backend = bench.makeBackend()
    // Without a rule there is no fault backend either, so that transfers may go past the queue.
    let faulty: any Backend = if let rule { FaultBackend(backend, rule: rule) } else { backend }
    client = IOClient(backend: SeenBackend(faulty, seen))
    if pages > 0 { client.get(pages: pages) }
    memory = backend as? MemoryBackend
    if let memory {
      files = []
      opened = []
      devices = (0..<deviceCount).map { _ in
        memory.makeDevice(capacity: SectorCount(UInt64(Self.sectorCount)))
      }
    } else {
      let files = try (0..<deviceCount).map { _ in
        try TemporaryFile(in: bench.folder, byteCount: Self.byteCount)
      }
      self.files = files
      opened = try files.map { file in
        if bench.isLoop { return try LoopDevice.open(on: file) }
        let access = bench.folder == "/dev/shm" ? DeviceFile.Access.automatic : .direct
        return try DeviceFile(path: file.path, access: access)
      }
      devices = opened.map(\.device)
    }
  }

  /// Sectors of a device; counts in tests are multiples of 8, so that any logical block will do.
  func region(_ index: Int, _ first: UInt64, _ count: UInt64) -> Region {
    Region(
      device: devices[index],
      sectors: SectorRange(first: Sector(first), count: SectorCount(count)))
  }

  /// What a device holds, read past the engine.
  func contents(_ index: Int) throws -> [UInt8] {
    if let memory { return memory.contents(of: devices[index]) }
    return try files[index].contents()
  }

  func bytes(_ index: Int, _ first: Int, _ count: Int) throws -> [UInt8] {
    let all = try contents(index)
    return Array(all[first * sectorByteCount..<(first + count) * sectorByteCount])
  }

  /// Fills a device through the engine.
  func fill(_ index: Int, with bytes: [UInt8]) throws {
    let memory = SampleMemory(.contiguous, bytes: bytes)
    let count = UInt64(bytes.count / sectorByteCount)
    try client.perform(.write, on: [region(index, 0, count)], memory: memory.memory).orThrow()
  }

  /// Makes a device end early; false where that cannot be done.
  func cut(_ index: Int, toSectors count: Int) throws -> Bool {
    if let memory {
      memory.cut(devices[index], to: SectorCount(UInt64(count)))
      return true
    }
    guard devices[index].kind == .file else { return false }
    try files[index].cut(toByteCount: count * sectorByteCount)
    return true
  }

  func index(of device: Device) -> Int? {
    devices.firstIndex { $0.descriptor == device.descriptor }
  }
}

/// The transfers that a backend was given, in a queue or past it.
final class SeenTransfers: Sendable {
  struct Seen: Sendable {
    let operation: BlockIO.Operation
    let device: Device
    let byteOffset: UInt64
    let isPassing: Bool
  }

  private let list = ConditionLock<[Seen]>([])
  func append(_ transfer: Transfer, isPassing: Bool) {
    let seen = Seen(
      operation: transfer.operation, device: transfer.device, byteOffset: transfer.byteOffset,
      isPassing: isPassing)
    list.withLock { $0.append(seen) }
  }
  func removeAll() { list.withLock { $0.removeAll() } }
  var all: [Seen] { list.withLock { $0 } }
  var count: Int { all.count }
}

/// Bytes that differ from sector to sector and from seed to seed.
func pattern(sectors: Int, seed: UInt8 = 1) -> [UInt8] {
  (0..<sectors * sectorByteCount).map { offset in
    UInt8(truncatingIfNeeded: (offset / sectorByteCount) * 31 + offset * 7 + Int(seed) * 101)
  }
}

/// The notify function's calls, and a wait for them.
final class Notified: Sendable {
  private let results = ConditionLock<[IOResult]>([])

  func append(_ result: IOResult) {
    results.withLock { $0.append(result) }
    results.wakeAll()
  }

  var count: Int { results.withLock { $0.count } }

  /// The first result; waits for it, for half a minute at most.
  func first() throws -> IOResult { try wait(count: 1)[0] }

  @discardableResult
  func wait(count: Int) throws -> [IOResult] {
    let arrived = results.wait(atMostMilliseconds: 30_000) { $0.count >= count ? $0 : nil }
    return try #require(arrived, "\(count) results in time")
  }
}

/// A condition that a rule reads and a test turns off.
final class Switch: Sendable {
  private let state = Atomic<Bool>(true)
  var isOn: Bool { state.load(ordering: .sequentiallyConsistent) }
  func turnOff() { state.store(false, ordering: .sequentiallyConsistent) }
}

/// Whether all bytes are equal. A failing `==` of such arrays would be shown byte by byte, which
/// takes minutes.
func isSame(_ a: [UInt8], _ b: [UInt8]) -> Bool { a == b }
