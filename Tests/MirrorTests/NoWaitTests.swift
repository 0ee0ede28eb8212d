import BlockIO
import BlockIOThreads
import DMIO
import Glibc
import Testing

@testable import BlockIOFaults
@testable import Mirror

/// A lane that must not wait: EAGAIN comes instead of a wait, and nothing has changed then.
@Suite("Requests that must not wait", .serialized)
final class NoWaitTests {
  private static let sectorCount = SectorCount(4096)
  private let folder = "/dev/shm/mirrorfs-nowait-\(getpid())"
  private let backend = FaultBackend(ThreadsBackend(), isArmed: false) { _ in .fail(.ioError) }
  private let client: IOClient
  private let files: [DeviceFile]
  private var legs: [Leg] = []

  init() throws {
    client = IOClient(backend: backend, pages: 4)
    unsafe mkdir(folder, 0o700)
    files = try (0..<2).map { [folder] index in
      let path = "\(folder)/leg\(index)"
      let descriptor = unsafe creat(path, 0o600)
      ftruncate(descriptor, off_t(Self.sectorCount.byteCount))
      close(descriptor)
      return try DeviceFile(path: path, access: .automatic)
    }
    legs = files.enumerated().map { index, file in leg(index, file.device) }
  }

  deinit {
    for name in ["leg0", "leg1", "state", "intent"] { unsafe _ = unlink("\(folder)/\(name)") }
    unsafe _ = rmdir(folder)
  }

  private func leg(_ index: Int, _ device: Device) -> Leg {
    let all = SectorRange(first: Sector(0), count: Self.sectorCount)
    return Leg(
      file: files[index], region: Region(device: device, sectors: all), name: "leg\(index)")
  }

  private func range(_ first: UInt64) -> SectorRange {
    SectorRange(first: Sector(first), count: SectorCount(8))
  }

  /// Writes a range of `value`, or reads it where that is nil.
  private func transfer(
    _ mirror: MirrorSet, _ first: UInt64, value: UInt8? = nil, mustNotWait: Bool = true
  ) -> Errno? {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 4096)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: value ?? 0, count: 4096)
    defer { unsafe memory.deallocate() }
    return try? client.withLane { lane -> Errno? in
      lane.mustNotWait = mustNotWait
      defer { lane.mustNotWait = false }
      do throws(Errno) {
        if value == nil {
          try mirror.reading(range(first), on: lane) { (held) throws(Errno) in
            unsafe try held.read(range(first), into: memory)
          }
        } else {
          try mirror.changing(range(first), on: lane) { (held) throws(Errno) in
            unsafe try held.write(range(first), from: memory)
          }
        }
        return nil
      } catch {
        return error
      }
    }.get()
  }

  private func byte(ofLeg index: Int, sector: Int) -> UInt8 {
    var byte: UInt8 = 0xee
    unsafe _ = pread(files[index].device.descriptor, &byte, 1, off_t(sector * sectorByteCount))
    return byte
  }

  @Test("Legs in memory serve at once")
  func atOnce() {
    let mirror = MirrorSet(legs: legs)
    #expect(transfer(mirror, 0, value: 7) == nil)
    #expect(transfer(mirror, 0) == nil)
    #expect(byte(ofLeg: 0, sector: 0) == 7 && byte(ofLeg: 1, sector: 0) == 7)
  }

  @Test("Not where one leg is a device, and not while faults are rehearsed")
  func legsThatTakeTime() {
    var device = files[1].device
    device.latency = .pageCache
    let mirror = MirrorSet(legs: [legs[0], leg(1, device)])
    #expect(transfer(mirror, 0, value: 7) == .wouldBlock)
    #expect(transfer(mirror, 0) == .wouldBlock)
    #expect(byte(ofLeg: 0, sector: 0) == 0, "neither leg was written")
    #expect(transfer(mirror, 0, value: 7, mustNotWait: false) == nil)

    let inMemory = MirrorSet(legs: legs)
    backend.arm(true)
    #expect(transfer(inMemory, 8, value: 7) == .wouldBlock)
    #expect(inMemory.status().letters == "AA", "no leg was asked anything")
    backend.arm(false)
  }

  @Test("Not where another request holds the range, whose place in the line is not kept")
  func heldRange() {
    let mirror = MirrorSet(legs: legs)
    let ticket = mirror.rangeLock.acquire(range(4), exclusive: false)
    #expect(transfer(mirror, 0, value: 7) == .wouldBlock)
    #expect(transfer(mirror, 0) == nil, "readers share")
    #expect(transfer(mirror, 16, value: 7) == nil)
    #expect(mirror.rangeLock.ranges() == [range(4)])
    mirror.rangeLock.release(ticket)
    #expect(transfer(mirror, 0, value: 7) == nil)
  }

  @Test("Not where a leg is in trouble")
  func trouble() {
    let mirror = MirrorSet(legs: legs)
    backend.arm(true)
    #expect(transfer(mirror, 0, value: 7, mustNotWait: false) == .ioError)
    backend.arm(false)
    #expect(transfer(mirror, 8, value: 7) == .wouldBlock)
    #expect(transfer(mirror, 8) == .wouldBlock)
  }

  @Test("Not where the state must be written first: at the first change, and in a new chunk (M9)")
  func state() throws {
    let durable = try DurableState(
      DurableOptions(
        folder: folder, volume: "v", chunk: SectorCount(1024), initialSync: .assumeInSync),
      legs: legs, created: [])
    let mirror = MirrorSet(legs: legs, durable: durable)
    #expect(transfer(mirror, 0) == nil)
    #expect(transfer(mirror, 0, value: 7) == .wouldBlock)
    #expect(!durable.isOpenOnDisk)
    #expect(transfer(mirror, 0, value: 7, mustNotWait: false) == nil)
    #expect(transfer(mirror, 0, value: 8) == nil)
    #expect(transfer(mirror, 2048, value: 8) == .wouldBlock)
    #expect(durable.intent?.markedCount == 1)
    #expect(byte(ofLeg: 0, sector: 2048) == 0)
    #expect(transfer(mirror, 2048, value: 8, mustNotWait: false) == nil)
    #expect(transfer(mirror, 2048, value: 9) == nil)
  }
}
