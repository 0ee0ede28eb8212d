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
    self.path = path
    if attribute("legs") == nil { try refuse(NotAVolume.reason(path)) }
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
      case .readOnly: "the volume is `read_only` in its config; nothing is written to its legs"
      case .notPermitted, Errno(EACCES):
        "\(error): only who may write the volume may do this; ask as its owner, or root"
      case Errno(ENOTCONN): NotAVolume.reason(path)
      case .noSpace:
        "\(error): the state directory is full; make room there (`mirrorfs status \(path)`)"
      case let error: "\(error); `mirrorfs status \(path)` and the log say more"
      }
    try refuse(reason)
  }

  /// Looks whether there is such a leg.
  ///
  /// - Throws: status 1, with a message, when there is none.
  func check(leg: Int?) throws {
    guard let leg, let letters = attribute("legs"), !letters.indices.isEmpty else { return }
    guard leg < 0 || leg >= letters.count else { return }
    let legs = letters.count == 1 ? "leg 0 only" : "legs 0 to \(letters.count - 1)"
    try refuse("there is no leg \(leg): it has \(legs); `mirrorfs status \(path)` shows them")
  }

  /// Says why something is not done.
  ///
  /// - Throws: always: status 1.
  func refuse(_ reason: String) throws {
    printError("\(path): \(reason)")
    throw ExitCode(1)
  }

  func attribute(_ name: String) -> String? { MountPoint.attribute(name, of: path) }

  /// Waits for the end of background work, showing how far it is.
  ///
  /// - Parameter mayGoOn: whether there is something left that the progress does not show.
  /// - Throws: as ``WorkProgress/wait(while:)``.
  func wait(while mayGoOn: () -> Bool = { false }) throws {
    try WorkProgress(self).wait(while: mayGoOn)
  }
}

/// The volume that a command is about.
struct VolumeArgument: ParsableArguments {
  @Argument(help: "The volume's path in the mount.", completion: .file())
  var volume: String
}
