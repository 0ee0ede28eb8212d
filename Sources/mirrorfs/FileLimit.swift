import CLinux
import MountConfig

/// How many files a mount keeps open, and whether it may.
enum FileLimit {
  /// Rings and event descriptors of the threads, the log, and what commands need for a moment.
  private static let ownCount = 1024

  /// - Throws: what to raise, where the limit of open files is too low and may not be raised.
  static func raise(for configuration: MountConfiguration) throws(StartupProblem) {
    let legs = configuration.volumes.flatMap(\.legs)
    let wanted = legs.count + ownCount
    let limit = linux_raise_file_limit(UInt64(wanted))
    // Legs in one disk or file may share a descriptor, but whether they do is seen when it is open.
    let needed = Set(legs.lazy.map(\.path)).count + ownCount / 2
    guard limit < UInt64(needed) else { return }
    throw StartupProblem(
      "these volumes need up to \(wanted) open files, but the limit is \(limit); raise it with "
        + "`ulimit -n \(wanted)`, or `LimitNOFILE=\(wanted)` in a systemd unit")
  }
}
