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
  ///
  /// - Parameter byWhom: whose rights count, for the message.
  static func problem(_ path: String, byWhom: String) -> String? {
    let advice = "write 'state_directory:' with a folder that this user may write"
    var existing = path
    while true {
      if let status = FileStatus(existing) {
        let whose = existing == path ? "the state directory" : "the state directory's parent"
        guard status.kind == .folder else {
          return "\(whose) \(Quoted(existing)) is \(status.kind.inWords); \(advice)"
        }
        guard FileStatus.allows(existing, R_OK | W_OK | X_OK) else {
          return "\(whose) \(Quoted(existing)) cannot be written\(byWhom): "
            + "\(ErrnoText.current); \(advice)"
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

  /// The same of what an earlier mount has left in it, maybe that of another user.
  static func problem(_ path: String, volumes: [String], byWhom: String) -> String? {
    let folders = volumes.map { "\(path)/volumes/\($0)" }.filter { FileStatus($0) != nil }
    var files = ["\(path)/lock", "\(path)/volumes"] + folders
    for folder in folders { files += names(in: folder).map { "\(folder)/\($0)" } }
    for file in files {
      guard let status = FileStatus(file) else { continue }
      let use = status.kind == .folder ? R_OK | W_OK | X_OK : R_OK | W_OK
      if FileStatus.allows(file, use) { continue }
      return "\(Quoted(file)) of an earlier mount cannot be written\(byWhom): "
        + "\(ErrnoText.current); give the state directory to that user: `chown -R`"
    }
    return nil
  }

  private static func names(in folder: String) -> [String] {
    guard let opened = unsafe opendir(folder) else { return [] }
    defer { unsafe closedir(opened) }
    var names: [String] = []
    while let entry = unsafe readdir(opened) {
      let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
