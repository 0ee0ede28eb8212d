internal import BlockIO
internal import Glibc

/// The file of a volume's state: read as a whole, and replaced as a whole.
struct StateFile {
  let folder: String
  private var path: String { folder + "/state" }
  private var freshPath: String { folder + "/state.new" }
  var intentPath: String { folder + "/intent" }

  /// More than any state can be; a file beyond that is not one.
  private static let mostByteCount = 1 << 28

  init(folder: String) { self.folder = folder }

  /// The whole file; nil when there is none.
  func read() throws(Errno) -> [UInt8]? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw Errno.last
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count <= Self.mostByteCount {
      let count = unsafe Glibc.read(descriptor, &part, part.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw Errno.last }
      if count == 0 { return bytes }
      bytes += part[..<count]
    }
    return bytes
  }

  /// Puts `bytes` in the file's place; when it returns they survive a loss of power, and when it
  /// throws, or the power goes, either these or the former ones are there.
  func replace(with bytes: [UInt8]) throws(Errno) {
    let descriptor = unsafe open(freshPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Errno.last }
    StateTrace.note(.emptied(path: freshPath))
    try Self.writeDurably(bytes, to: descriptor, path: freshPath)
    guard unsafe rename(freshPath, path) == 0 else { throw Errno.last }
    StateTrace.note(.renamed(path: freshPath, to: path))
    let directory = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw Errno.last }
    defer { close(directory) }
    guard fsync(directory) == 0 else { throw Errno.last }
    StateTrace.note(.folderSynced(path: folder))
  }

  /// Closes the descriptor, whatever happens.
  private static func writeDurably(
    _ bytes: [UInt8], to descriptor: CInt, path: String
  ) throws(Errno) {
    defer { close(descriptor) }
    var done = 0
    while done < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { bytes in
        let place = unsafe bytes.baseAddress.map { unsafe $0 + done }
        return unsafe Glibc.write(descriptor, place, bytes.count - done)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw count == 0 ? .noSpace : Errno.last }
      done += count
    }
    StateTrace.note(.wrote(path: path, offset: 0, bytes: bytes))
    guard fdatasync(descriptor) == 0 else { throw Errno.last }
    StateTrace.note(.synced(path: path))
  }
}
