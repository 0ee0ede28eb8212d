import BlockIO
import CLinux
import Glibc

/// Takes a mount away: by system call as root, through fusermount3 otherwise.
enum Unmounting {
  /// Nil on success, else a sentence.
  static func unmount(_ mountPoint: String, lazily: Bool) -> String? {
    if geteuid() == 0 {
      return unsafe linux_umount(mountPoint, lazily) == 0 ? nil : Errno.last.description
    }
    let words = ["fusermount3", "-u"] + (lazily ? ["-z"] : []) + ["--", mountPoint]
    var process = pid_t()
    let failed = unsafe withArgumentVector(words) { arguments in
      unsafe posix_spawnp(&process, words[0], nil, nil, arguments, environ)
    }
    guard failed == 0 else { return "fusermount3: \(Errno(failed)); install the package fuse3" }
    var status: CInt = 0
    while unsafe waitpid(process, &status, 0) < 0 {
      if errno != EINTR { return Errno.last.description }
    }
    return status == 0 ? nil : "fusermount3 could not unmount it"
  }

  /// Why a user who is not root could not unmount; nil when nothing is in the way.
  static func refusalForUsers() -> String? {
    if linux_has_no_new_privileges() {
      return "fusermount3 would not be root here (NoNewPrivileges); leave that out of the unit"
    }
    let folders = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "/usr/bin:/bin"
    let isThere = folders.split(separator: ":").contains {
      unsafe access("\($0)/fusermount3", X_OK) == 0
    }
    return isThere ? nil : "there is no fusermount3; install the package fuse3"
  }
}
