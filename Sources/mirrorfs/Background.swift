import ArgumentParser
import BlockIO
import CLinux
import Glibc

/// Running behind the terminal: the program starts itself again in a session of its own, and waits
/// until that says that the mount is ready.
enum Background {
  /// Starts `mirrorfs mount` again with these words behind it, and returns when its mount is ready.
  ///
  /// - Throws: the child's exit status when it ended instead; it has said why on stderr.
  static func start(_ arguments: [String]) throws {
    var ends: (CInt, CInt) = (-1, -1)
    let failed = unsafe withUnsafeMutableBytes(of: &ends) { ends in
      unsafe pipe(ends.assumingMemoryBound(to: CInt.self).baseAddress)
    }
    guard failed == 0 else { throw StartupProblem("pipe: \(Errno.last)") }
    _ = fcntl(ends.0, F_SETFD, FD_CLOEXEC)
    let words = ["mirrorfs", "mount", "--ready-descriptor", "\(ends.1)"] + arguments
    let process = unsafe withArgumentVector(words) { arguments in
      unsafe linux_spawn_session("/proc/self/exe", arguments)
    }
    close(ends.1)
    guard process > 0 else { throw StartupProblem("starting in the background: \(Errno.last)") }
    var word: UInt8 = 0
    var count = 0
    repeat { unsafe count = read(ends.0, &word, 1) } while count < 0 && errno == EINTR
    close(ends.0)
    if count == 1 { return }
    var status: CInt = 0
    while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
    let code = (status >> 8) & 0xff
    throw ExitCode(code == 0 ? 1 : code)
  }

  /// Says that the mount is ready, and lets go of the terminal and the current folder.
  static func reportReady(on descriptor: CInt) {
    unsafe chdir("/")
    let null = unsafe linux_open("/dev/null", O_RDWR | O_CLOEXEC, 0)
    for standard in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] { dup2(null, standard) }
    close(null)
    var word: UInt8 = 1
    unsafe _ = write(descriptor, &word, 1)
    close(descriptor)
  }
}
