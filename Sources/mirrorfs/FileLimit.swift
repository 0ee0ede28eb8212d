import CLinux
import MountConfig

/// How many files a mount keeps open, and whether it may.
enum FileLimit {
  /// Rings and event descriptors of the threads, the log, and what commands need for a moment.
  private static let ownCount = 1024

  /// - Throws: what to raise, where the limit of open files is too low and may not be raised.
  static func raise(for configuration: MountConfiguration) throws(StartupProblem) {
    // Each leg, and the intent map.
    let wanted = configuration.volumes.reduce(ownCount) { $0 + $1.legs.count + 1 }
    let limit = linux_raise_file_limit(UInt64(wanted))
    guard limit < UInt64(wanted) - UInt64(ownCount) / 2 else { return }
    throw StartupProblem(
      "these volumes need up to \(wanted) open files, but the limit is \(limit); raise it with "
        + "`ulimit -n \(wanted)`, or `LimitNOFILE=\(wanted)` in a systemd unit")
  }
}
