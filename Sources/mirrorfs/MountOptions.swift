/// The words of `-o`, sorted by who wants them.
struct MountOptions {
  /// For mount(8), systemd and fstab only: nothing to do.
  private static let ignored: Set<String> = [
    "_netdev", "nofail", "auto", "noauto", "user", "nouser", "users", "owner", "group",
    "defaults", "rw", "async", "relatime", "strictatime", "nodiratime", "lazytime", "nolazytime",
  ]
  /// For the kernel, through libfuse.
  private static let passedOn: Set<String> = [
    "ro", "dev", "nodev", "suid", "nosuid", "exec", "noexec", "atime", "noatime", "sync", "dirsync",
    "allow_other",
  ]

  private(set) var words: [String] = []
  /// Words that mean nothing to anybody.
  private(set) var unknown: [String] = []

  init(_ lists: [String]) {
    for word in lists.flatMap({ $0.split(separator: ",") }).map(String.init) {
      if Self.ignored.contains(word) || word.hasPrefix("x-") { continue }
      if Self.passedOn.contains(word) { words.append(word) } else { unknown.append(word) }
    }
  }

  /// Adds what the config and the program itself want.
  ///
  /// - Parameter source: what `findmnt` shows as the source.
  func complete(source: String, allowOther: Bool) -> [String] {
    var all = words
    if allowOther, !all.contains("allow_other") { all.append("allow_other") }
    let name = source.replacing("\\", with: "\\\\").replacing(",", with: "\\,")
    return all + ["fsname=\(name)", "subtype=mirrorfs"]
  }
}
