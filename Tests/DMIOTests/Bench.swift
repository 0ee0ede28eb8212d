import BlockIO
import BlockIOFaults
import BlockIOThreads
import BlockIOUring
import DMIO
import Glibc
import Testing

/// A backend and the kind of device that it runs on: every rule is tested on each.
enum Bench: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case memory
  case threadsTmpfs, threadsDirect, threadsLoop
  case uringTmpfs, uringDirect, uringLoop

  var testDescription: String { rawValue }

  /// Cancels the running test, with the reason, where the bench cannot run.
  func require() throws {
    guard let refusal else { return }
    let reason = Comment(rawValue: refusal)
    try Test.cancel(reason)
  }

  var isLoop: Bool { self == .threadsLoop || self == .uringLoop }

  func makeBackend() -> any Backend {
    switch self {
    case .memory: MemoryBackend()
    case .threadsTmpfs, .threadsDirect, .threadsLoop: ThreadsBackend()
    case .uringTmpfs, .uringDirect, .uringLoop: UringBackend()
    }
  }

  /// Why the bench cannot run here; nil when it can.
  var refusal: String? {
    switch self {
    case .uringTmpfs, .uringDirect, .uringLoop:
      if let errno = UringBackend.refusal() { return "io_uring: \(errno.name)" }
    default: break
    }
    return isLoop ? LoopDevice.refusal : nil
  }

  /// Plain files in RAM, or where direct I/O is possible.
  var folder: String {
    switch self {
    case .threadsTmpfs, .uringTmpfs: "/dev/shm"
    default: temporaryFolder
    }
  }
}

/// Where tests put their files: `TMPDIR`, else `/tmp`.
var temporaryFolder: String {
  guard let folder = unsafe getenv("TMPDIR") else { return "/tmp" }
  return unsafe String(cString: folder)
}

/// A file of zeroes that goes when the test ends.
final class TemporaryFile: Sendable {
  let path: String

  init(in folder: String, byteCount: Int) throws {
    var name = Array("\(folder)/mirrorfs-test-XXXXXX".utf8CString)
    let descriptor = unsafe mkstemp(&name)
    try #require(descriptor >= 0, "a file in \(folder)")
    path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let isSized = ftruncate(descriptor, byteCount) == 0
    close(descriptor)
    try #require(isSized)
  }

  deinit { unsafe unlink(path) }

  func contents() throws -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    let byteCount = lseek(descriptor, 0, SEEK_END)
    var bytes = [UInt8](repeating: 0, count: byteCount)
    let count = unsafe pread(descriptor, &bytes, bytes.count, 0)
    try #require(count == bytes.count)
    return bytes
  }

  func cut(toByteCount byteCount: Int) throws {
    let failed = unsafe truncate(path, byteCount)
    try #require(failed == 0)
  }
}

/// A loop device on a file. A shell holds it open and marks it for detaching until the test has
/// opened it, so that it goes with its last user, even if the test crashes.
enum LoopDevice {
  static var refusal: String? {
    guard geteuid() == 0 else { return "loop devices need root" }
    return unsafe access("/dev/loop-control", R_OK) == 0 ? nil : "no loop devices here"
  }

  static func open(on file: TemporaryFile, blockByteCount: Int = 512) throws -> DeviceFile {
    let script = """
      PATH=$PATH:/usr/sbin:/sbin; 
      node=$(losetup --sector-size \(blockByteCount) --find --show '\(file.path)') || exit 1
      exec 9<"$node"; losetup --detach "$node"; echo "$node"
      while echo; do sleep 0.01; done 2>/dev/null
      """
    guard let pipe = unsafe popen(script, "r") else { throw Errno.last }
    defer { unsafe pclose(pipe) }
    var node: [UInt8] = []
    while case let byte = unsafe getc(pipe), byte != EOF, byte != 10 {
      node.append(UInt8(byte))
    }
    try #require(!node.isEmpty, "losetup gives no device")
    return try DeviceFile(path: String(decoding: node, as: UTF8.self), access: .direct)
  }
}
