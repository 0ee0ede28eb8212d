import ArgumentParser
import BlockIO
import CLinux

struct ClearErrorsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "clear-errors",
    abstract: "Forgets the past errors of a volume; what its legs missed stays known.",
    discussion: """
        mirrorfs clear-errors /mnt/volumes/db.img
      """)

  @Argument(help: "The volume's path in the mount.") var volume: String

  func run() throws {
    guard MountPoint.volumeState(volume) != nil else {
      printError("\(volume): not a volume of a mounted mirrorfs")
      throw ExitCode(1)
    }
    let command = "clear-errors"
    let failed = unsafe linux_setxattr(
      volume, "user.mirrorfs.control", command, command.utf8.count)
    guard failed == 0 else {
      printError("\(volume): \(Errno.last)")
      throw ExitCode(1)
    }
  }
}
