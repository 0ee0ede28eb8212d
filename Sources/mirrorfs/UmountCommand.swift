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
  /// The same while a leg hangs, which nothing can be done about.
  private static let mostMillisecondsWhenHung: CInt = 15_000

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
      printError(
        "\(mountPoint): not a mounted mirrorfs; `mirrorfs status` shows what is mounted, and where")
      throw ExitCode(1)
    }
    let isHung = warnOfDegradedVolumes()
    // Opened first, so that no other process of that number is waited for.
    let end = linux_pidfd(process)
    defer { if end >= 0 { close(end) } }
    if let error = Unmounting.unmount(mountPoint, lazily: false) {
      printError(
        "\(mountPoint): \(error); while it is busy, `fuser -vm \(mountPoint)` shows by what: "
          + "end that")
      throw ExitCode(1)
    }
    guard end >= 0 else { return }
    var watched = pollfd(fd: end, events: Int16(POLLIN), revents: 0)
    let most = isHung ? Self.mostMillisecondsWhenHung : Self.mostMilliseconds
    if unsafe poll(&watched, 1, most) == 0 {
      if isHung {
        // The state is written before the wait for what the kernel still does for us.
        printError("\(mountPoint): unmounted; process \(process) ends when the slow leg answers")
        return
      }
      printError("\(mountPoint): unmounted, but process \(process) is still flushing its legs")
      throw ExitCode(1)
    }
  }

  private func daemon() -> pid_t? {
    MountPoint.attribute("pid", of: mountPoint).flatMap { pid_t($0) }
  }

  /// What legs missed is kept in the state directory, and copied after the next mount.
  ///
  /// Returns whether a leg is slow now.
  private func warnOfDegradedVolumes() -> Bool {
    guard let names = MountPoint.attribute("degraded", of: mountPoint) else { return false }
    printError(
      "warning: \(names): a leg is out of sync or failing; what it missed is remembered, and "
        + "copied to it when it works again after the next mount")
    return names.split(separator: " ").contains { name in
      MountPoint.attribute("legs", of: "\(mountPoint)/\(name)")?.contains("W") ?? false
    }
  }
}
