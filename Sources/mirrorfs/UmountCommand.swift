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
    if MountPoint.isDead(mountPoint) {
      if let error = Unmounting.unmount(mountPoint, lazily: true) {
        printError("\(mountPoint): \(error)")
        throw ExitCode(1)
      }
      printError("\(mountPoint): its daemon was gone already; unmounted")
      return
    }
    guard let process = daemon() else {
      printError("\(mountPoint): not a mounted mirrorfs")
      throw ExitCode(1)
    }
    warnOfDegradedVolumes()
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
    MountPoint.attribute("pid", of: mountPoint).flatMap { pid_t($0) }
  }

  /// What legs missed is kept in the state directory, and copied after the next mount.
  private func warnOfDegradedVolumes() {
    guard let names = MountPoint.attribute("degraded", of: mountPoint) else { return }
    printError(
      "warning: \(names): a leg is out of sync or failing; what it missed is remembered, and "
        + "copied to it when it works again after the next mount")
  }
}
