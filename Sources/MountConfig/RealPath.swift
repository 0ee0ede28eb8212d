internal import Glibc

/// Paths with every symbolic link resolved, and their components.
enum RealPath {
  /// The file's real path; nil with `errno` when it does not exist or cannot be reached.
  static func of(_ path: String) -> String? {
    guard let real = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(real) }
    return unsafe String(cString: real)
  }

  /// The real path of what exists of `path`, with the rest appended as written.
  static func ofExistingPart(_ path: String) -> String {
    var existing = path
    var missing: [String] = []
    while true {
      if let real = of(existing) {
        return ([real == "/" ? "" : real] + missing.reversed()).joined(separator: "/")
      }
      guard existing != "/" && existing != "." else { return path }
      missing.append(name(of: existing))
      existing = parent(of: existing)
    }
  }

  /// Whether `path` is `folder` or lies in it, component by component; both real and absolute.
  static func isInside(_ path: String, _ folder: String) -> Bool {
    let outer = folder.split(separator: "/")
    let inner = path.split(separator: "/")
    return inner.starts(with: outer)
  }

  /// All but the last component: "/" for "/a", "." for "a".
  static func parent(of path: String) -> String {
    let trimmed = withoutTrailingSlashes(path)
    guard let slash = trimmed.lastIndex(of: "/") else { return "." }
    return withoutTrailingSlashes(trimmed[..<slash])
  }

  /// The last component; empty for "/".
  static func name(of path: String) -> String {
    withoutTrailingSlashes(path).split(separator: "/").last.map(String.init) ?? ""
  }

  private static func withoutTrailingSlashes(_ path: some StringProtocol) -> String {
    let kept = path.reversed().drop { $0 == "/" }.reversed()
    return kept.isEmpty ? "/" : String(kept)
  }
}
