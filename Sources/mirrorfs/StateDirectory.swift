import BlockIO
import CLinux
import Glibc
import MountConfig

/// A mount's state directory, locked for as long as this lives.
final class StateDirectory: Sendable {
  private let lock: CInt

  /// How long a daemon that is just ending may keep the lock; polled every 50 ms.
  private static let mostAttempts = 60

  /// Makes the directory if need be, and takes its lock.
  ///
  /// - Throws: where `state_directory` stands, and what to do.
  init(of configuration: MountConfiguration) throws(StartupProblem) {
    do throws(Refusal) {
      lock = try Self.takeLock(path: configuration.stateDirectory)
    } catch {
      throw StartupProblem([
        configuration.problem(at: configuration.stateDirectoryMark, error.text)
      ])
    }
  }

  private struct Refusal: Error { let text: String }

  private static func takeLock(path: String) throws(Refusal) -> CInt {
    try makeFolder(path)
    let file = path + "/lock"
    let lock = unsafe linux_open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0 else { throw Refusal(text: "\(file): \(Errno.last)") }
    for attempt in 1...mostAttempts {
      if linux_lock_file(lock) == 0 { break }
      guard attempt < mostAttempts else {
        let holder = holder(of: lock)
        close(lock)
        throw Refusal(
          text:
            "state directory \(path) is in use by another mirrorfs\(holder): is this config "
            + "mounted already? Another config needs a `state_directory` of its own")
      }
      usleep(50_000)
    }
    let text = "\(getpid())\n"
    ftruncate(lock, 0)
    unsafe _ = pwrite(lock, text, text.utf8.count, 0)
    return lock
  }

  deinit { close(lock) }

  private static func holder(of lock: CInt) -> String {
    var text = [UInt8](repeating: 0, count: 32)
    let count = unsafe pread(lock, &text, text.count, 0)
    guard count > 0 else { return "" }
    let digits = String(decoding: text.prefix(count), as: UTF8.self).prefix { $0.isNumber }
    return " (process \(digits))"
  }

  private static func makeFolder(_ path: String) throws(Refusal) {
    var built = ""
    for part in path.split(separator: "/") {
      built += "/" + part
      if unsafe mkdir(built, 0o700) != 0, errno != EEXIST, errno != EISDIR {
        // A folder above may refuse and yet exist: only the last word counts.
        if built == path { throw Refusal(text: "state directory \(path): \(Errno.last)") }
      }
    }
  }
}

/// Why a mount cannot start: a sentence for the user, or problems with their place in the config.
struct StartupProblem: Error {
  /// What stderr shows.
  let text: String

  init(_ sentence: String) { text = "mirrorfs: " + sentence }

  /// One line each, as `mirrorfs check` prints them.
  init(_ problems: [ConfigProblem]) {
    text = problems.map(\.description).joined(separator: "\n")
  }
}
