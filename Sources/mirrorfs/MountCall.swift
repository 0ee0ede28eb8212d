import ArgumentParser
import Glibc

/// The program as mount(8) calls it, by way of a link to it in /sbin:
///
///     mount.mirrorfs CONFIG MOUNTPOINT [-sfnv] [-o OPTIONS]
///
/// For the type `fuse.mirrorfs` the link is `mount.fuse.mirrorfs`. There is no such thing for
/// umount(8): it asks for no helper of a FUSE mount.
struct MountCall {
  private let name: String
  private var paths: [String] = []
  private var options: [String] = []
  private var flags: Set<Character> = []

  /// Nil when the program goes by another name.
  init?(_ words: [String]) {
    name = String(words.first?.split(separator: "/").last ?? "")
    guard name == "mount.mirrorfs" || name == "mount.fuse.mirrorfs" else { return nil }
    var rest = words.dropFirst()
    while let word = rest.popFirst() {
      switch word {
      case "-o": options += (rest.popFirst() ?? "").split(separator: ",").map(String.init)
      // A namespace that we are in already, and the type.
      case "-N", "-t": _ = rest.popFirst()
      case _ where word.hasPrefix("-"): flags.formUnion(word.dropFirst())
      default: paths.append(word)
      }
    }
  }

  /// Mounts, and ends the process.
  func run() -> Never {
    guard paths.count == 2 else {
      printError("\(name) wants a config and a mount point")
      exit(64)
    }
    // With -f everything is wanted but the mount.
    if !flags.contains("f") { MirrorFSCommand.main(words) }
    exit(0)
  }

  /// Options of `mirrorfs mount` that stand among the mount options: fstab has no other place.
  private static let own = [
    "log", "event-log", "engine", "transport", "threads", "on-change-limit",
  ]

  /// `mirrorfs mount` with the same meaning.
  private var words: [String] {
    var words = ["mount"]
    for option in options {
      let parts = option.split(separator: "=", maxSplits: 1).map(String.init)
      if parts.count == 2, Self.own.contains(parts[0]) {
        words += ["--" + parts[0], parts[1]]
      } else if !flags.contains("s") || MountOptions([option]).unknown.isEmpty {
        words += ["-o", option]
      }
    }
    return words + ["--"] + paths
  }
}
