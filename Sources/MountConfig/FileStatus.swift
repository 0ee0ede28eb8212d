internal import CLinux
internal import Glibc

/// What stat(2) says about a file.
struct FileStatus {
  enum Kind {
    case regular, folder, blockDevice, characterDevice, fifo, socket, other

    /// For "but this is ...".
    var inWords: String {
      switch self {
      case .regular: return "a file"
      case .folder: return "a directory"
      case .blockDevice: return "a block device"
      case .characterDevice: return "a character device"
      case .fifo: return "a fifo"
      case .socket: return "a socket"
      case .other: return "something else"
      }
    }
  }

  let kind: Kind
  let device: UInt64
  let inode: UInt64
  /// "MAJOR:MINOR" of a device node, as sysfs names it.
  let deviceNumber: String
  let byteCount: UInt64

  /// The file behind all symbolic links; nil with `errno`.
  init?(_ path: String) {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    switch status.st_mode & S_IFMT {
    case S_IFREG: kind = .regular
    case S_IFDIR: kind = .folder
    case S_IFBLK: kind = .blockDevice
    case S_IFCHR: kind = .characterDevice
    case S_IFIFO: kind = .fifo
    case S_IFSOCK: kind = .socket
    default: kind = .other
    }
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    let number = UInt64(status.st_rdev)
    deviceNumber = "\(linux_major(number)):\(linux_minor(number))"
    byteCount = UInt64(max(0, status.st_size))
  }

  /// Whether the path is a symbolic link, wherever it leads.
  static func isLink(_ path: String) -> Bool {
    var status = stat()
    return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
  }

  /// Whether this process (its effective user) may use the file so: R_OK, W_OK, X_OK; else `errno`.
  static func allows(_ path: String, _ use: Int32) -> Bool {
    unsafe faccessat(AT_FDCWD, path, use, AT_EACCESS) == 0
  }
}
