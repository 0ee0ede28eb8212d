internal import CLinux
internal import Glibc

/// An error number of the C library, as devices and system calls give them.
///
/// swift-system has the same type, but its C module brings the kernel's io_uring header, which
/// clashes with liburing's copy of it when both are imported.
public struct Errno: Error, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: CInt

  @inlinable public init(_ rawValue: CInt) { self.rawValue = rawValue }

  /// The error of the system call that just failed on this thread.
  public static var last: Errno { Errno(Glibc.errno) }

  /// The symbol: `EIO`. A number that has none is printed as it is.
  public var name: String {
    guard let name = unsafe linux_errno_name(rawValue) else { return "\(rawValue)" }
    return unsafe String(cString: name)
  }

  /// The C library's sentence: `Input/output error`.
  public var description: String { unsafe String(cString: strerror(rawValue)) }

  public static let ioError = Errno(EIO)
  public static let noSpace = Errno(ENOSPC)
  public static let invalid = Errno(EINVAL)
  public static let notSupported = Errno(EOPNOTSUPP)
  public static let fileTooBig = Errno(EFBIG)
  public static let inUse = Errno(EBUSY)
  public static let stale = Errno(ESTALE)
  public static let wouldBlock = Errno(EAGAIN)
  public static let notPermitted = Errno(EPERM)
  public static let readOnly = Errno(EROFS)
  public static let noSuchFile = Errno(ENOENT)
  public static let interrupted = Errno(EINTR)
  public static let timedOut = Errno(ETIMEDOUT)
  /// Never told to a user: the request is to be made again, with other memory.
  public static let restart = Errno(-1)
  /// Never told to a user: the request is to be made again when a leg answers.
  public static let awaitLegs = Errno(-2)
  public static let quota = Errno(EDQUOT)
  public static let noSuchAddress = Errno(ENXIO)
  public static let noData = Errno(ENODATA)
  public static let outOfRange = Errno(ERANGE)
}
