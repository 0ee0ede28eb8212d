import BlockIO
import Glibc
import Testing

@Suite("DeviceFile")
struct DeviceFileTests {
  private final class TemporaryFile {
    let path: String
    init(_ folder: String, byteCount: Int) throws {
      var name = Array("\(folder)/mirrorfs-test-XXXXXX".utf8CString)
      let descriptor = unsafe mkstemp(&name)
      try #require(descriptor >= 0)
      let failed = ftruncate(descriptor, byteCount)
      close(descriptor)
      try #require(failed == 0)
      path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
    deinit { unsafe unlink(path) }
  }

  private var folder: String {
    guard let folder = unsafe getenv("TMPDIR") else { return "/tmp" }
    return unsafe String(cString: folder)
  }

  private func range(_ first: UInt64, _ count: UInt64) -> SectorRange {
    SectorRange(first: Sector(first), count: SectorCount(count))
  }

  @Test("the same sectors cannot be locked twice, others can")
  func locks() throws {
    let file = try TemporaryFile(folder, byteCount: 1 << 20)
    do {
      let first = try DeviceFile(path: file.path, access: .buffered)
      let second = try DeviceFile(path: file.path, access: .buffered)
      try first.lock(range(8, 8))
      try first.lock(range(8, 8))
      #expect(throws: Errno.wouldBlock) { try second.lock(range(15, 1)) }
      #expect(throws: Errno.wouldBlock) { try second.lock(range(0, 9)) }
      try second.lock(range(16, 100))
      try second.lock(range(0, 8))
      try second.lock(range(8, 0))
    }
    // The lock went with the file.
    try DeviceFile(path: file.path, access: .buffered).lock(range(0, 2048))
  }

  @Test("regions of a file in memory, or direct ones, share a description, each with its lock")
  func shares() throws {
    let file = try TemporaryFile("/dev/shm", byteCount: 1 << 20)
    let other = try DeviceFile(path: file.path, access: .automatic)
    var first: DeviceFile? = try DeviceFile(path: file.path, access: .automatic)
    try first?.lock(range(0, 8))
    do {
      let shared = try #require(first)
      let second = try #require(DeviceFile(sharing: shared, region: range(8, 8)))
      #expect(shared.isShared && second.device.descriptor == shared.device.descriptor)
      try second.lock(range(8, 8))
      second.detach(isLate: true)
      #expect(throws: Errno.wouldBlock, "late transfers may come") { try other.lock(range(8, 8)) }
      second.detach(isLate: false)
      try other.lock(range(8, 8))
      other.unlock()
      try second.lock(range(8, 8))
      // Opened anew, it takes its lock along, and leaves the other's.
      let own = try second.openedAlone(locking: range(8, 8))
      #expect(!own.isShared && own.device.descriptor != second.device.descriptor)
      for taken in [range(0, 1), range(15, 1)] {
        #expect(throws: Errno.wouldBlock) { try other.lock(taken) }
      }
    }
    // Both users of the second's sectors have gone; the first is alone, and has its own.
    try other.lock(range(8, 8))
    #expect(throws: Errno.wouldBlock) { try other.lock(range(0, 8)) }
    #expect(first?.isShared == false)
    // However often a leg comes back.
    for _ in 1...3 {
      try first?.reopen(locking: range(0, 8))
      #expect(throws: Errno.wouldBlock) { try other.lock(range(0, 8)) }
    }
    first = nil
    try other.lock(range(0, 8))
  }

  @Test("a loss that is told once is not shared: buffered files, and regions that cannot be direct")
  func sharesNot() throws {
    let file = try TemporaryFile(folder, byteCount: 1 << 20)
    let buffered = try DeviceFile(path: file.path, access: .buffered)
    #expect(
      buffered.device.latency == .memory
        || DeviceFile(sharing: buffered, region: range(0, 8)) == nil)
    guard let direct = try? DeviceFile(path: file.path, access: .direct) else { return }
    let block = UInt64(direct.device.logicalBlockByteCount / sectorByteCount)
    #expect(DeviceFile(sharing: direct, region: range(block, block)) != nil)
    #expect(block == 1 || DeviceFile(sharing: direct, region: range(0, 1)) == nil)
  }

  @Test("a file in memory is never direct")
  func memoryFile() throws {
    let file = try TemporaryFile("/dev/shm", byteCount: 1 << 20)
    #expect(throws: Errno.invalid) { try DeviceFile(path: file.path, access: .direct) }
    for access in [DeviceFile.Access.automatic, .buffered] {
      let device = try DeviceFile(path: file.path, access: access).device
      #expect(device.latency == .memory && !device.isDirect && device.kind == .file)
      #expect(device.capacity == SectorCount(2048))
      #expect(device.logicalBlockByteCount == 512 && device.memoryAlignment == 1)
    }
  }

  @Test("access modes of a plain file")
  func accessModes() throws {
    let file = try TemporaryFile(folder, byteCount: 1_000_000)
    let buffered = try DeviceFile(path: file.path, access: .buffered)
    #expect(!buffered.device.isDirect)
    #expect(buffered.device.capacity == SectorCount(1953))
    #expect(buffered.currentCapacity() == SectorCount(1953))
    let failed = unsafe truncate(file.path, 512_000)
    #expect(failed == 0)
    #expect(buffered.currentCapacity() == SectorCount(1000))
    guard let direct = try? DeviceFile(path: file.path, access: .direct) else { return }
    #expect(direct.device.isDirect && direct.device.latency == .device)
    let block = UInt64(direct.device.logicalBlockByteCount / sectorByteCount)
    let odd = SectorRange(first: Sector(0), count: SectorCount(1))
    if block > 1 {
      #expect(throws: Errno.invalid) {
        try DeviceFile(path: file.path, access: .direct, region: odd)
      }
      let automatic = try DeviceFile(path: file.path, access: .automatic, region: odd)
      #expect(!automatic.device.isDirect)
    }
    let whole = range(block, block)
    #expect(
      try DeviceFile(path: file.path, access: .automatic, region: whole).device.isDirect)
  }

  @Test("what cannot be opened says why", arguments: [DeviceFile.Access.automatic, .buffered])
  func refusals(access: DeviceFile.Access) throws {
    #expect(throws: Errno.noSuchFile) { try DeviceFile(path: "/nonexistent/x", access: access) }
    #expect(throws: Errno(ENOTBLK)) { try DeviceFile(path: "/dev/null", access: access) }
    #expect(throws: Errno(EISDIR)) { try DeviceFile(path: "/", access: access) }
    #expect(throws: Errno(ENOTBLK)) {
      try DeviceFile(path: "/", access: access, isReadOnly: true)
    }
  }

  @Test("holes and data are found")
  func holes() throws {
    let file = try TemporaryFile("/dev/shm", byteCount: 1 << 20)
    let device = try DeviceFile(path: file.path, access: .buffered)
    #expect(device.seek(toHole: false, from: 0) == nil)
    let bytes = [UInt8](repeating: 1, count: 4096)
    let count = unsafe pwrite(device.device.descriptor, bytes, bytes.count, 8192)
    #expect(count == 4096)
    #expect(device.seek(toHole: false, from: 0) == 8192)
    #expect(device.seek(toHole: true, from: 8192) == 12288)
    #expect(device.seek(toHole: false, from: 12288) == nil)
  }
}
