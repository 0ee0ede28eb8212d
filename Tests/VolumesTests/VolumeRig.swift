import BlockIO
import BlockIOFaults
import DMIO
import Mirror

@testable import Volumes

/// A volume on two legs in memory.
final class VolumeRig {
  static let mostBytes = 64 * 1024

  let memory = MemoryBackend()
  let client: IOClient
  let devices: [Device]
  let volume: Volume

  init(
    sectors: UInt64 = 256, block: Int = sectorByteCount, policy: TruncatePolicy = .zero,
    isReadOnly: Bool = false, cache: CacheMode = .writethrough
  ) {
    let memory = memory
    devices = (0..<2).map { _ in
      memory.makeDevice(capacity: SectorCount(sectors), logicalBlockByteCount: block)
    }
    client = IOClient(backend: memory, pages: 8)
    let range = SectorRange(first: Sector(0), count: SectorCount(sectors))
    let legs = devices.enumerated().map { index, device in
      Leg(file: nil, region: Region(device: device, sectors: range), name: "leg\(index)")
    }
    volume = Volume(
      name: "vol", mirror: MirrorSet(legs: legs),
      access: VolumeAccess(mode: 0o640, owner: 1, group: 2, isReadOnly: isReadOnly),
      truncatePolicy: policy, cache: cache)
  }

  @discardableResult
  func write(_ bytes: [UInt8], at byteOffset: UInt64) throws -> Int {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 4096)
    let scratch = UnsafeMutableRawPointer.allocate(
      byteCount: Volume.paddedByteCount(bytes.count), alignment: 4096)
    defer {
      unsafe memory.deallocate()
      unsafe scratch.deallocate()
    }
    unsafe memory.copyBytes(from: bytes)
    let (volume, payload) = (volume, UnsafeRawBufferPointer(memory))
    return try client.withLane { (lane) throws(Errno) in
      unsafe try volume.write(payload, at: byteOffset, scratch: scratch, on: lane)
    }.get()
  }

  func read(at byteOffset: UInt64, _ byteCount: Int) throws -> [UInt8] {
    let buffer = UnsafeMutableRawPointer.allocate(
      byteCount: Volume.paddedByteCount(byteCount), alignment: 4096)
    defer { unsafe buffer.deallocate() }
    let volume = volume
    return try client.withLane { (lane) throws(Errno) in
      let bytes = unsafe try volume.read(
        at: byteOffset, byteCount: byteCount, into: buffer, on: lane)
      return unsafe [UInt8](bytes)
    }.get()
  }

  func change(_ body: (Volume, IOLane) throws(Errno) -> Void) throws {
    let volume = volume
    try client.withLane { (lane) throws(Errno) in try body(volume, lane) }.get()
  }

  var contents: [[UInt8]] { devices.map { memory.contents(of: $0) } }
}
