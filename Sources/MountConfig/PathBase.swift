internal import Glibc

/// The folder that relative paths of a config file start from: the file's own.
struct PathBase {
  /// Absolute, without a slash at the end (but for "/").
  let folder: String

  /// - Parameter configFile: as given; a relative one starts from the working directory.
  init(configFile: String) {
    let file = configFile.hasPrefix("/") ? configFile : Self.workingDirectory + "/" + configFile
    let parent = RealPath.parent(of: file)
    folder = parent
  }

  /// The path with `folder` in front when it is relative; links and `..` are left to the kernel.
  func absolute(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    var relative = path[...]
    while relative.hasPrefix("./") { relative = relative.dropFirst(2).drop { $0 == "/" } }
    if relative.isEmpty { return folder }
    return folder == "/" ? "/\(relative)" : "\(folder)/\(relative)"
  }

  static var workingDirectory: String {
    guard let path = unsafe getcwd(nil, 0) else { return "/" }
    defer { unsafe free(path) }
    return unsafe String(cString: path)
  }
}
