import BlockIO
import CLinux
import Glibc

/// Why a path that somebody gave is no volume, and what to give instead.
enum NotAVolume {
  /// A sentence without the path.
  static func reason(_ path: String) -> String {
    let number = statusError(path)
    if let volumes = MountList.volumes(of: path) {
      return "is a mount point, not a volume; name one of \(list(volumes))"
    }
    switch number {
    case 0: return "not a volume of a mounted mirrorfs; \(advice)"
    case ENOTCONN:
      return "its daemon is gone; mount it again: `mirrorfs mount CONFIG MOUNTPOINT` takes the "
        + "dead mount away"
    case ENOENT, ENOTDIR:
      let named = path.contains("/") ? [] : MountList.volumes(named: path)
      return "no such file; " + (named.isEmpty ? advice : "did you mean \(list(named))?")
    case EACCES, EPERM:
      return "\(Errno(number)): who did not mount it may look only with `allow_other: true` in the "
        + "config; ask as the user who mounted it"
    default: return "\(Errno(number)); \(advice)"
    }
  }

  private static let advice =
    "a volume is named by its path in the mount; `mirrorfs status` shows all there are"

  private static func list(_ volumes: [String]) -> String {
    if volumes.isEmpty { return "none: it has no volumes" }
    let shown = volumes.prefix(4).joined(separator: ", ")
    return volumes.count > 4 ? shown + ", ..." : shown
  }

  /// 0 for a path that there is. Asks for the attribute first: of a dead mount the kernel still
  /// knows files for a moment.
  private static func statusError(_ path: String) -> CInt {
    var (status, value) = (stat(), UInt8(0))
    if unsafe linux_getxattr(path, "user.mirrorfs.legs", &value, 0) < 0, errno == ENOTCONN {
      return ENOTCONN
    }
    return unsafe stat(path, &status) == 0 ? 0 : errno
  }
}
