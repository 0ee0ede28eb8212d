import BlockIO
import CLinux
import Glibc

/// The folder that a mount covers.
enum MountPoint {
  /// The absolute path of an existing folder; what a dead mount left there is taken away first.
  static func resolve(_ path: String) throws(StartupProblem) -> String {
    if isDead(path) {
      if let refusal = Unmounting.unmount(path, lazily: true) {
        throw StartupProblem(
          "mount point \(path): a dead mount is in the way, and cannot be unmounted: \(refusal)")
      }
      return try resolve(path)
    }
    var status = stat()
    guard unsafe stat(path, &status) == 0 else {
      let advice = errno == ENOENT ? "; make it first: `mkdir -p \(path)`" : ""
      throw StartupProblem("mount point \(path): \(Errno.last)\(advice)")
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw StartupProblem("mount point \(path): not a folder; name an existing, empty one")
    }
    guard let resolved = unsafe realpath(path, nil) else {
      throw StartupProblem("mount point \(path): \(Errno.last)")
    }
    defer { unsafe free(resolved) }
    let absolute = unsafe String(cString: resolved)
    if volumeState(absolute) != nil {
      throw StartupProblem(
        "mount point \(path): a mirrorfs is mounted there already; `mirrorfs umount \(path)` first")
    }
    return absolute
  }

  /// Whether a mount's daemon is gone ("Transport endpoint is not connected").
  ///
  /// Not by stat(2) alone: the kernel may still know the folder's attributes, and answer by itself.
  static func isDead(_ path: String) -> Bool {
    var status = stat()
    if unsafe stat(path, &status) != 0 { return errno == ENOTCONN }
    return unsafe linux_getxattr(path, "user.mirrorfs.state", nil, 0) < 0 && errno == ENOTCONN
  }

  /// `user.mirrorfs.state` of a path; nil for what is neither a mount nor a volume of ours.
  static func volumeState(_ path: String) -> String? { attribute("state", of: path) }

  /// The value of `user.mirrorfs.NAME`; nil when it is empty, or there is none.
  static func attribute(_ name: String, of path: String) -> String? {
    var text = [UInt8](repeating: 0, count: 65536)
    let count = unsafe linux_getxattr(path, "user.mirrorfs." + name, &text, text.count)
    return count > 0 ? String(decoding: text.prefix(count), as: UTF8.self) : nil
  }
}
