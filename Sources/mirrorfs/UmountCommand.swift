import ArgumentParser
import BlockIO
import CLinux
import Glibc

struct UmountCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "umount",
    abstract: "Unmounts, and waits until every leg has been flushed and let go.",
    discussion: """
        mirrorfs umount /mnt/volumes
      """)

  @Argument(help: "The mount point.") var mountPoint: String

  /// How long a daemon may take to flush its legs after the mount has gone.
  private static let mostMilliseconds: CInt = 300_000

  func run() throws {
    guard let process = daemon() else {
      printError("\(mountPoint): not a mounted mirrorfs")
      throw ExitCode(1)
    }
    // Opened first, so that no other process of that number is waited for.
    let end = linux_pidfd(process)
    defer { if end >= 0 { close(end) } }
    if let error = Unmounting.unmount(mountPoint, lazily: false) {
      printError("\(mountPoint): \(error)")
      throw ExitCode(1)
    }
    guard end >= 0 else { return }
    var watched = pollfd(fd: end, events: Int16(POLLIN), revents: 0)
    if unsafe poll(&watched, 1, Self.mostMilliseconds) == 0 {
      printError("\(mountPoint): unmounted, but process \(process) is still flushing its legs")
      throw ExitCode(1)
    }
  }

  private func daemon() -> pid_t? {
    var text = [UInt8](repeating: 0, count: 32)
    let count = unsafe linux_getxattr(mountPoint, "user.mirrorfs.pid", &text, text.count)
    guard count > 0 else { return nil }
    return pid_t(String(decoding: text.prefix(count), as: UTF8.self))
  }
}
