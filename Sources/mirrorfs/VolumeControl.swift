import ArgumentParser
import BlockIO
import CLinux
import Glibc

/// What a command asks of a volume that is mounted, by way of `user.mirrorfs.control`.
struct VolumeControl {
  /// The volume's path in the mount.
  let path: String

  /// Looks whether the path is a volume.
  ///
  /// - Throws: status 1, with a message, when it is none.
  init(_ path: String) throws {
    guard MountPoint.attribute("legs", of: path) != nil else {
      printError("\(path): not a volume of a mounted mirrorfs")
      throw ExitCode(1)
    }
    self.path = path
  }

  /// - Parameter advice: what to do when the volume is in no state for it.
  /// - Parameter explain: what an error means for this command; nil: what it always means.
  func send(
    _ command: String, whenBusy advice: String = "try again later",
    _ explain: (Errno) -> String? = { _ in nil }
  ) throws {
    let failed = unsafe linux_setxattr(
      path, "user.mirrorfs.control", command, command.utf8.count)
    guard failed != 0 else { return }
    let error = Errno.last
    if let reason = explain(error) { return try refuse(reason) }
    let reason =
      switch error {
      case .inUse: advice
      case .invalid: "there is no such leg or range; `mirrorfs status \(path)` shows them"
      case let error: "\(error)"
      }
    try refuse(reason)
  }

  /// Says why something is not done.
  ///
  /// - Throws: always: status 1.
  func refuse(_ reason: String) throws {
    printError("\(path): \(reason)")
    throw ExitCode(1)
  }

  func attribute(_ name: String) -> String? { MountPoint.attribute(name, of: path) }

  /// Waits for the end of background work, showing how far it is: a line that is renewed on a
  /// terminal, else a line every five seconds.
  ///
  /// - Parameter mayGoOn: whether there is something left that the progress does not show.
  /// - Throws: status 1 when the mount is gone, or the work is paused.
  func wait(while mayGoOn: () -> Bool = { false }) throws {
    let isTerminal = isatty(STDERR_FILENO) == 1
    var (last, looks) = ("", 0)
    while true {
      guard let progress = attribute("progress") else {
        printError("\(path): the mount is gone; the work goes on when it is mounted again")
        throw ExitCode(1)
      }
      if progress == "none", !mayGoOn() { break }
      if progress.hasPrefix("paused") {
        printError("\(path): \(progress); `mirrorfs resume \(path)` lets it go on")
        throw ExitCode(1)
      }
      if isTerminal {
        show("\r\u{1b}[K\(Self.bar(progress)) \(progress)")
      } else if progress != last, looks > 0, looks % 25 == 0 {
        show("\(progress)\n")
        last = progress
      }
      looks += 1
      usleep(200_000)
    }
    if isTerminal, looks > 0 { show("\r\u{1b}[K") }
  }

  private func show(_ text: String) { unsafe _ = write(STDERR_FILENO, text, text.utf8.count) }

  /// `[########............]`, from the percentage in a progress text.
  private static func bar(_ progress: String) -> String {
    let percent = progress.split(separator: " ").lazy.compactMap {
      $0.hasSuffix("%") ? Double($0.dropLast()) : nil
    }.first
    let filled = Int((percent ?? 0) / 5)
    return "[" + String(repeating: "#", count: filled)
      + String(repeating: ".", count: max(0, 20 - filled)) + "]"
  }
}

/// The volume that a command is about.
struct VolumeArgument: ParsableArguments {
  @Argument(help: "The volume's path in the mount.") var volume: String
}
