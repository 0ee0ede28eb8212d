import BlockIO
import BlockIOFaults
import DMIO
import Foundation
import Mirror
import Testing

@testable import Volumes

/// A volume whose legs above the first fail every write; they may have files for their holes.
private final class DegradedRig {
  let memory = MemoryBackend()
  let client: IOClient
  let volume: Volume

  init(
    legs legCount: Int = 2, sectors: UInt64 = 65_536, files: [DeviceFile?] = [],
    failing operation: BlockIO.Operation? = .write
  ) {
    let memory = memory
    let whole = SectorRange(first: Sector(0), count: SectorCount(sectors))
    let legs = (0..<legCount).map { index in
      Leg(
        file: files.isEmpty ? nil : files[index],
        region: Region(device: memory.makeDevice(capacity: whole.count), sectors: whole),
        name: "leg\(index)")
    }
    client = IOClient(
      backend: FaultBackend(memory) { facts in
        facts.operation == operation && facts.device.descriptor > 0 ? .fail(.ioError) : nil
      }, pages: 8)
    volume = Volume(
      name: "vol", mirror: MirrorSet(legs: legs),
      access: VolumeAccess(mode: 0o644, owner: 0, group: 0))
  }

  func write(_ sector: UInt64) throws {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 512, alignment: 4096)
    defer { unsafe memory.deallocate() }
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 7, count: 512)
    let (volume, payload) = (volume, unsafe UnsafeRawBufferPointer(start: memory, count: 512))
    _ = try client.withLane { (lane) throws(Errno) in
      try unsafe volume.write(payload, at: sector * 512, scratch: memory, on: lane)
    }.get()
  }

  func read(_ sector: UInt64) throws {
    let buffer = UnsafeMutableRawPointer.allocate(
      byteCount: Volume.paddedByteCount(512), alignment: 4096)
    defer { unsafe buffer.deallocate() }
    let volume = volume
    _ = try client.withLane { (lane) throws(Errno) in
      try unsafe volume.read(at: sector * 512, byteCount: 512, into: buffer, on: lane).count
    }.get()
  }

  func attribute(_ word: String) throws -> String {
    try #require(volume.attribute("user.mirrorfs." + word))
  }
}

/// A file of known size that goes away with the test.
private final class SparseFile {
  let path: String
  let file: DeviceFile

  init(byteCount: Int) throws {
    path = NSTemporaryDirectory() + "mirrorfs-volume-\(UUID().uuidString)"
    #expect(FileManager.default.createFile(atPath: path, contents: nil))
    unsafe try #require(truncate(path, off_t(byteCount)) == 0)
    file = try DeviceFile(path: path, access: .buffered)
  }

  deinit { unsafe unlink(path) }

  func cut(to byteCount: Int) throws { unsafe try #require(truncate(path, off_t(byteCount)) == 0) }

  func write(at byteOffset: Int) throws {
    let bytes = [UInt8](repeating: 1, count: 4096)
    let written = unsafe pwrite(file.device.descriptor, bytes, 4096, off_t(byteOffset))
    try #require(written == 4096)
  }
}

@Suite("What a degraded volume tells (M18)")
struct DegradedVolumeTests {
  @Test("M18: the attributes of a leg that missed writes, as the interface has them")
  func attributes() throws {
    let rig = DegradedRig()
    try rig.write(4096)
    try rig.write(9000)
    #expect(try rig.attribute("state") == "degraded")
    #expect(try rig.attribute("error_bits") == "0x2")
    #expect(try rig.attribute("error_bits_seen") == "0x2")
    #expect(try rig.attribute("error_bits_last") == "0x2")
    #expect(try rig.attribute("legs") == "AD")
    #expect(try rig.attribute("leg.0.state") == "alive")
    #expect(try rig.attribute("leg.1.state") == "write-failed")
    #expect(try rig.attribute("leg.1.errors") == "read=0 write=2 flush=0 corrected=0")
    #expect(try rig.attribute("leg.1.stale") == "4096+1 9000+1")
    #expect(try rig.attribute("leg.0.stale") == "")
    #expect(try rig.attribute("leg.0.last_error") == "none")
    let words = try rig.attribute("leg.1.last_error").split(separator: " ")
    #expect(words.prefix(3) == ["EIO", "write", "9000+1"])
    let time = try #require(words.last)
    #expect(try Regex("20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-9:]{8}Z").wholeMatch(in: time) != nil)
    let table = VolumeTable([rig.volume])
    #expect(table.attribute("user.mirrorfs.state", processID: 7) == "degraded")
    #expect(table.attribute("user.mirrorfs.degraded", processID: 7) == "vol")
    #expect(table.attribute("user.mirrorfs.pid", processID: 7) == "7")
    #expect(table.attribute("user.mirrorfs.legs", processID: 7) == nil)
  }

  @Test("M18: a list of stale ranges that is too long for an attribute is cut, with dots")
  func longList() throws {
    let rig = DegradedRig()
    for index: UInt64 in 0..<4000 { try rig.write(index * 16) }
    let whole = try rig.attribute("leg.1.stale")
    #expect(whole.split(separator: " ").count == 4000)
    let wide = Volume.list(
      (0..<5000).map {
        SectorRange(first: Sector(1 << 60 + UInt64($0) * 8), count: SectorCount(1))
      })
    #expect(wide.utf8.count <= 65536)
    #expect(wide.utf8.count > 65536 - 32)
    #expect(wide.hasSuffix("+1 ..."))
  }

  @Test("The status is JSON of version 1, with the same words as the attributes")
  func status() throws {
    let rig = DegradedRig()
    try rig.write(4096)
    let data = Data(try rig.attribute("status").utf8)
    let status = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(status["version"] as? Int == 1)
    #expect(status["volume"] as? String == "vol")
    #expect(status["state"] as? String == "degraded")
    #expect(status["error_bits"] as? String == "0x2")
    #expect(status["letters"] as? String == "AD")
    #expect(status["byte_count"] as? Int == 65_536 * 512)
    #expect(status["read_policy"] as? String == "primary")
    #expect(status["write_quorum"] as? Int == 1)
    let legs = try #require(status["legs"] as? [[String: Any]])
    #expect(legs.map { $0["state"] as? String } == ["alive", "write-failed"])
    #expect(legs[1]["stale"] as? [String] == ["4096+1"])
    #expect(legs[1]["stale_sector_count"] as? Int == 1)
    #expect((legs[1]["errors"] as? [String: Int])?["write"] == 1)
    #expect((legs[1]["last_error"] as? String)?.hasPrefix("EIO write 4096+1 ") == true)
    #expect(legs[0]["device"] as? String == "leg0")
    #expect(legs[0]["sector_count"] as? Int == 65_536)
  }

  @Test("The status of 64 legs with many stale ranges is still an attribute's size")
  func manyLegs() throws {
    let rig = DegradedRig(legs: 64, sectors: 8192)
    for index: UInt64 in 0..<300 { try rig.write(3000 + index * 16) }
    #expect(try rig.attribute("status").utf8.count <= 65536)
  }

  @Test("Writing changes the time of modification, reading none; both can be set")
  func times() throws {
    let rig = DegradedRig()
    let volume = rig.volume
    volume.setModificationTime(1000)
    volume.setAccessTime(2000)
    try rig.read(0)
    #expect(volume.modificationTime == 1000)
    #expect(volume.accessTime == 2000)
    try rig.write(0)
    #expect(volume.modificationTime > 1_600_000_000 * 1_000_000_000)
    volume.setModificationTime(1000)
    volume.setAccessTime(nil)
    _ = try rig.client.withLane { (lane) throws(Errno) in
      try volume.zero(10..<20, keepsSpace: false, on: lane)
    }.get()
    #expect(volume.modificationTime > 1000)
    #expect(volume.accessTime > 2000)
  }
}

@Suite("Holes (F5)")
struct HoleTests {
  private static let byteCount = 64 * 4096

  private func volume(_ files: [SparseFile]) -> DegradedRig {
    DegradedRig(
      legs: files.count, sectors: UInt64(Self.byteCount / 512), files: files.map(\.file))
  }

  @Test("F5: data and holes are those of a file leg that is in sync")
  func holes() throws {
    let files = try (0..<2).map { _ in try SparseFile(byteCount: Self.byteCount) }
    for file in files { try file.write(at: 16 * 4096) }
    let rig = volume(files)
    let end = UInt64(Self.byteCount)
    try #require(files[0].file.seek(toHole: false, from: 0) == 16 * 4096, "no holes here")
    #expect(try rig.volume.seek(toHole: false, from: 0) == 16 * 4096)
    #expect(try rig.volume.seek(toHole: true, from: 0) == 0)
    #expect(try rig.volume.seek(toHole: true, from: 16 * 4096) == 17 * 4096)
    #expect(throws: Errno.noSuchAddress) { try rig.volume.seek(toHole: false, from: 17 * 4096) }
    #expect(throws: Errno.noSuchAddress) { try rig.volume.seek(toHole: false, from: end) }
    #expect(throws: Errno.noSuchAddress) { try rig.volume.seek(toHole: true, from: end) }
    // Pages that the kernel has not written yet are no holes.
    let handle = try #require(
      rig.volume.openHandle(wantsDirect: false, isWritable: true, isMappable: true))
    #expect(try rig.volume.seek(toHole: false, from: 5) == 5)
    #expect(try rig.volume.seek(toHole: true, from: 5) == end)
    rig.volume.closeHandle(handle)
    #expect(try rig.volume.seek(toHole: false, from: 5) == 16 * 4096)
  }

  @Test("F5: what was cut off a leg's file is no hole of the volume")
  func cutLeg() throws {
    let files = try (0..<2).map { _ in try SparseFile(byteCount: Self.byteCount) }
    for file in files { try file.write(at: 16 * 4096) }
    let rig = volume(files)
    try files[0].cut(to: 8 * 4096)
    #expect(try rig.volume.seek(toHole: false, from: 0) == 16 * 4096)
    #expect(try rig.attribute("legs") == "DA")
    #expect(try rig.attribute("leg.0.stale") == "64+448")
    // Where every leg was cut nobody knows what was there: all of it is data.
    try files[1].cut(to: 8 * 4096)
    #expect(try rig.volume.seek(toHole: false, from: 0) == 0)
    #expect(try rig.volume.seek(toHole: true, from: 0) == UInt64(Self.byteCount))
    #expect(try rig.attribute("state") == "failed")
    let counters = rig.volume.mirror.status().legs[1].counters
    for _ in 0..<5 { rig.volume.mirror.checkSizes() }
    #expect(rig.volume.mirror.status().legs[1].counters == counters)
  }

  @Test("M6: a leg that was cut within a block has lost the block")
  func cutWithinBlock() throws {
    let files = try (0..<2).map { _ in try SparseFile(byteCount: Self.byteCount) }
    let memory = MemoryBackend()
    let whole = SectorRange(first: Sector(0), count: SectorCount(512))
    let legs = files.map { file in
      let device = memory.makeDevice(capacity: whole.count, logicalBlockByteCount: 4096)
      return Leg(file: file.file, region: Region(device: device, sectors: whole), name: "leg")
    }
    let mirror = MirrorSet(legs: legs)
    try files[1].cut(to: 3 * 4096 + 1024)
    mirror.checkSizes()
    #expect(mirror.status().legs[1].stale.map(\.description) == ["24+488"])
  }

  @Test("F5: reserving space behind the end is no growth when the size is to be kept")
  func reserving() throws {
    let files = try (0..<2).map { _ in try SparseFile(byteCount: Self.byteCount) }
    let rig = volume(files)
    let end = UInt64(Self.byteCount)
    func allocate(_ mode: AllocateMode, _ bytes: Range<UInt64>) throws {
      let volume = rig.volume
      _ = try rig.client.withLane { (lane) throws(Errno) in
        try volume.allocate(mode, bytes, on: lane)
      }.get()
    }
    try allocate(.reserve(keepsSize: true), end - 10..<end + 4096)
    try allocate(.reserve(keepsSize: true), end..<end + 4096)
    try allocate(.punchHole, end..<end + 4096)
    #expect(throws: Errno.fileTooBig) {
      try allocate(.reserve(keepsSize: false), end - 10..<end + 4096)
    }
    for file in files { #expect(file.file.currentCapacity() == SectorCount(512)) }
  }
}
