internal import Glibc

/// The folder of state files: which it is when left out, and whether it can be used.
enum StateDirectory {
  /// Root's.
  static let ofRoot = "/var/lib/mirrorfs"

  /// The folder when the key is left out; nil when the environment does not tell.
  static func standard(userID: UInt32, environment: (String) -> String?) -> String? {
    if userID == 0 { return ofRoot }
    // The XDG specification wants relative values ignored.
    if let base = environment("XDG_STATE_HOME"), base.hasPrefix("/") { return base + "/mirrorfs" }
    guard let home = environment("HOME"), home.hasPrefix("/") else { return nil }
    return home + "/.local/state/mirrorfs"
  }

  /// The process's environment.
  static func environment(_ name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    return unsafe String(cString: value)
  }

  /// What makes the folder impossible, with what to write instead; nil when it can be used or made.
  static func problem(_ path: String) -> String? {
    let advice = "write 'state_directory:' with a folder that this user may write"
    var existing = path
    while true {
      if let status = FileStatus(existing) {
        let whose = existing == path ? "the state directory" : "the state directory's parent"
        guard status.kind == .folder else {
          return "\(whose) \(Quoted(existing)) is \(status.kind.inWords); \(advice)"
        }
        guard FileStatus.allows(existing, R_OK | W_OK | X_OK) else {
          return "\(whose) \(Quoted(existing)) cannot be written: \(ErrnoText.current); \(advice)"
        }
        return nil
      }
      let number = errno
      if number == ENOENT && FileStatus.isLink(existing) {
        return "the state directory's \(Quoted(existing)) is a symbolic link to a missing folder; "
          + advice
      }
      guard (number == ENOENT || number == ENOTDIR) && existing != "/" else {
        return "cannot reach the state directory \(Quoted(existing)): "
          + "\(ErrnoText.text(number)); \(advice)"
      }
      existing = RealPath.parent(of: existing)
    }
  }
}
