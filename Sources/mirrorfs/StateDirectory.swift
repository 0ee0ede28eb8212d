import BlockIO
import CLinux
import Glibc

/// A mount's state directory, locked for as long as this lives.
final class StateDirectory: Sendable {
  private let lock: CInt

  /// How long a daemon that is just ending may keep the lock; polled every 50 ms.
  private static let mostAttempts = 60

  /// Makes the directory if need be, and takes its lock.
  ///
  /// - Throws: a sentence that says what to do.
  init(path: String) throws(StartupProblem) {
    try Self.makeFolder(path)
    let file = path + "/lock"
    lock = unsafe linux_open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0 else { throw StartupProblem("\(file): \(Errno.last)") }
    for attempt in 1...Self.mostAttempts {
      if linux_lock_file(lock) == 0 { break }
      guard attempt < Self.mostAttempts else {
        let holder = Self.holder(of: lock)
        close(lock)
        throw StartupProblem(
          "state directory \(path) is in use by another mirrorfs\(holder): is this config mounted "
            + "already? Another config needs a `state_directory` of its own")
      }
      usleep(50_000)
    }
    let text = "\(getpid())\n"
    ftruncate(lock, 0)
    unsafe _ = pwrite(lock, text, text.utf8.count, 0)
  }

  deinit { close(lock) }

  private static func holder(of lock: CInt) -> String {
    var text = [UInt8](repeating: 0, count: 32)
    let count = unsafe pread(lock, &text, text.count, 0)
    guard count > 0 else { return "" }
    let digits = String(decoding: text.prefix(count), as: UTF8.self).prefix { $0.isNumber }
    return " (process \(digits))"
  }

  private static func makeFolder(_ path: String) throws(StartupProblem) {
    var built = ""
    for part in path.split(separator: "/") {
      built += "/" + part
      if unsafe mkdir(built, 0o700) != 0, errno != EEXIST, errno != EISDIR {
        // A folder above may refuse and yet exist: only the last word counts.
        if built == path { throw StartupProblem("state directory \(path): \(Errno.last)") }
      }
    }
  }
}

/// Why a mount cannot start, as a sentence for the user.
struct StartupProblem: Error {
  let text: String
  init(_ text: String) { self.text = text }
}
