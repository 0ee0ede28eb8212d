import BlockIO
import Mirror
import Testing

@testable import Volumes

@Suite("A volume's bytes (F2, F3, F4)")
struct VolumeByteTests {
  @Test("F4: any offset and length, as on an array of bytes", arguments: [512, 4096])
  func anyOffset(block: Int) throws {
    let rig = VolumeRig(block: block)
    var model = [UInt8](repeating: 0, count: Int(rig.volume.byteCount))
    var random = SystemRandomNumberGenerator()
    for step in 0..<400 {
      let start = Int.random(in: 0..<model.count, using: &random)
      let end = min(model.count, start + Int.random(in: 1...9000, using: &random))
      switch step % 4 {
      case 0, 1:
        let value = UInt8.random(in: 1...255, using: &random)
        let bytes = [UInt8](repeating: value, count: end - start)
        #expect(try rig.write(bytes, at: UInt64(start)) == end - start)
        model.replaceSubrange(start..<end, with: bytes)
      case 2:
        try rig.change { volume, lane throws(Errno) in
          try volume.zero(UInt64(start)..<UInt64(end), keepsSpace: step % 8 == 2, on: lane)
        }
        model.replaceSubrange(start..<end, with: [UInt8](repeating: 0, count: end - start))
      default:
        #expect(try rig.read(at: UInt64(start), end - start) == Array(model[start..<end]))
      }
    }
    for leg in rig.contents { #expect(leg == model) }
  }

  @Test("F4: writers of neighbouring bytes lose nothing of each other")
  func neighbours() throws {
    let rig = VolumeRig(sectors: 8)
    let shared = SharedRig(rig: rig)
    let failures = ConditionLock(0)
    let threads = (0..<8).map { number in
      IOThread(name: "writer-\(number)") {
        for round in 1...100 {
          do {
            try shared.rig.write([UInt8(round)], at: UInt64(number))
          } catch {
            failures.withLock { $0 += 1 }
          }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(failures.withLock { $0 } == 0)
    #expect(try rig.read(at: 0, 8) == [UInt8](repeating: 100, count: 8))
  }

  /// A rig that several threads use.
  private struct SharedRig: @unchecked Sendable {
    // Sendable: the rig's parts are, and it does not change after it was made.
    let rig: VolumeRig
  }

  @Test("F3: a write at the end is ENOSPC, one across it is short; reads stop there")
  func end() throws {
    let rig = VolumeRig(sectors: 8)
    #expect(throws: Errno.noSpace) { try rig.write([1], at: 4096) }
    #expect(try rig.write([UInt8](repeating: 7, count: 100), at: 4090) == 6)
    #expect(try rig.read(at: 4000, 500).count == 96)
    #expect(try rig.read(at: 4096, 10).isEmpty)
  }

  @Test("F2: truncation zeroes what is cut off, and the size stays")
  func truncation() throws {
    let rig = VolumeRig(sectors: 16)
    try rig.write([UInt8](repeating: 9, count: 8192), at: 0)
    try rig.change { volume, lane throws(Errno) in try volume.truncate(to: 1000, on: lane) }
    let wanted = [UInt8](repeating: 9, count: 1000) + [UInt8](repeating: 0, count: 7192)
    for leg in rig.contents { #expect(leg == wanted) }
    #expect(rig.volume.byteCount == 8192)
    #expect(throws: Errno.fileTooBig) {
      try rig.change { volume, lane throws(Errno) in try volume.truncate(to: 8193, on: lane) }
    }
  }

  @Test("F2: the policies ignore and refuse leave the data")
  func truncatePolicies() throws {
    let ignoring = VolumeRig(sectors: 16, policy: .ignore)
    try ignoring.write([9], at: 0)
    try ignoring.change { volume, lane throws(Errno) in try volume.truncate(to: 0, on: lane) }
    #expect(try ignoring.read(at: 0, 1) == [9])
    let refusing = VolumeRig(sectors: 16, policy: .refuse)
    #expect(throws: Errno.notPermitted) {
      try refusing.change { volume, lane throws(Errno) in try volume.truncate(to: 0, on: lane) }
    }
  }

  @Test("A read-only volume is EROFS for every change")
  func readOnly() throws {
    let rig = VolumeRig(isReadOnly: true)
    #expect(throws: Errno.readOnly) { try rig.write([1], at: 0) }
    #expect(throws: Errno.readOnly) {
      try rig.change { volume, lane throws(Errno) in try volume.truncate(to: 0, on: lane) }
    }
    #expect(throws: Errno.readOnly) {
      try rig.change { volume, lane throws(Errno) in
        try volume.allocate(.punchHole, 0..<10, on: lane)
      }
    }
  }

  @Test("F5: fallocate as on ext4, but for the fixed size")
  func allocate() throws {
    let rig = VolumeRig(sectors: 16)
    try rig.write([UInt8](repeating: 9, count: 8192), at: 0)
    try rig.change { volume, lane throws(Errno) in
      try volume.allocate(.reserve(keepsSize: false), 0..<8192, on: lane)
      try volume.allocate(.punchHole, 8000..<20_000, on: lane)
      try volume.allocate(.zero(keepsSize: true), 0..<10, on: lane)
    }
    #expect(try rig.read(at: 8000, 192) == [UInt8](repeating: 0, count: 192))
    #expect(try rig.read(at: 0, 11) == [UInt8](repeating: 0, count: 10) + [9])
    #expect(throws: Errno.fileTooBig) {
      try rig.change { volume, lane throws(Errno) in
        try volume.allocate(.zero(keepsSize: false), 8000..<9000, on: lane)
      }
    }
  }
}

@Suite("What a volume tells (M18, F1)")
struct VolumeAttributeTests {
  @Test("The attributes are those of the interface, and unknown names have none")
  func names() {
    let volume = VolumeRig().volume
    for name in volume.attributeNames { #expect(volume.attribute(name) != nil, "\(name)") }
    #expect(volume.attribute("user.mirrorfs.state") == "in-sync")
    #expect(volume.attribute("user.mirrorfs.error_bits") == "0x0")
    #expect(volume.attribute("user.mirrorfs.legs") == "AA")
    #expect(volume.attribute("user.mirrorfs.leg.1.region") == "leg1 0+256")
    #expect(
      volume.attribute("user.mirrorfs.leg.0.errors") == "read=0 write=0 flush=0 corrected=0")
    for name in ["user.mirrorfs.leg.2.state", "user.mirrorfs.leg.01.state", "user.other", "state"] {
      #expect(volume.attribute(name) == nil, "\(name)")
    }
  }

  @Test("Only control can be set, and only to a command that there is")
  func control() throws {
    let rig = VolumeRig()
    func set(_ name: String, _ value: String) throws {
      try rig.change { (volume, lane) throws(Errno) in
        try volume.setAttribute("user.mirrorfs." + name, to: value, on: lane)
      }
    }
    #expect(throws: Errno.notPermitted) { try set("state", "in-sync") }
    for wrong in ["dance", "", "fail", "fail 9", "restore x", "scrub range=1", "resync source=7"] {
      #expect(throws: Errno.invalid, "\(wrong)") { try set("control", wrong) }
    }
    for right in ["clear-errors", "pause", "resume", "cancel", "rate 1000", "resync"] {
      try set("control", right)
    }
  }

  @Test("F5: cached and direct handles never meet")
  func handles() throws {
    let volume = VolumeRig().volume
    let first = try open(volume, direct: true, "rw")
    #expect(first == [.uncached, .writable, .mappable])
    #expect(volume.mayBeDirty)
    let second = try open(volume, direct: false, "r")
    #expect(second == .uncached)
    volume.closeHandle(first)
    #expect(!volume.mayBeDirty)
    volume.closeHandle(second)
    #expect(try open(volume, direct: false, "rw") == [.writable, .mappable])
    #expect(try open(volume, direct: true, "r") == [])
    #expect(volume.mayBeDirty)
  }

  @Test("F5: with cache: none every handle is past the page cache")
  func uncachedHandles() throws {
    let volume = VolumeRig(cache: .none).volume
    #expect(try open(volume, direct: false, "r") == .uncached)
  }

  @Test("F5: where the kernel gathers writes, a writer alone may leave dirty pages")
  func gatheredWrites() throws {
    #expect(try !VolumeRig().mayBeDirtyWhenOpen("w"))
    #expect(try VolumeRig(cache: .writeback).mayBeDirtyWhenOpen("w"))
    #expect(try !VolumeRig(cache: .writeback).mayBeDirtyWhenOpen("r"))
  }

  @Test("F3: an overrun is told to the one writer, once, and to nobody when it may be another's")
  func overruns() throws {
    let volume = VolumeRig(cache: .writeback).volume
    let writer = try open(volume, direct: false, "w")
    volume.noteOverrun(byteCount: Volume.mostQuietOverrun)
    #expect(!volume.takeOverrun())
    volume.noteOverrun(byteCount: 1)
    #expect(volume.hasOverrun)
    #expect(volume.takeOverrun())
    #expect(!volume.takeOverrun())
    volume.noteOverrun(byteCount: 5 << 20)
    let other = try open(volume, direct: false, "w")
    #expect(!volume.takeOverrun())
    volume.noteOverrun(byteCount: 5 << 20)
    #expect(!volume.takeOverrun())
    volume.closeHandle(writer)
    volume.noteOverrun(byteCount: 5 << 20)
    volume.closeHandle(other)
    #expect(!volume.takeOverrun())
  }
}

private func open(_ volume: Volume, direct: Bool, _ how: String) throws -> HandleKind {
  try #require(
    volume.openHandle(
      wantsDirect: direct, isWritable: how.contains("w"), isMappable: how == "rw"))
}

extension VolumeRig {
  fileprivate func mayBeDirtyWhenOpen(_ how: String) throws -> Bool {
    _ = try open(volume, direct: false, how)
    return volume.mayBeDirty
  }
}
