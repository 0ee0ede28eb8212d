internal import Glibc

/// A block of zeroes that every thread writes from: for legs that cannot zero by themselves.
enum Zeroes {
  static let byteCount = 1 << 20

  /// Page aligned, never written to, and never freed. Nonisolated: it does not change after it
  /// was made, which Swift does once.
  nonisolated(unsafe) static let memory: UnsafeRawPointer = {
    let made = unsafe mmap(nil, byteCount, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let made = unsafe made, unsafe made != MAP_FAILED else {
      preconditionFailure("no memory for a block of zeroes")
    }
    return UnsafeRawPointer(made)
  }()
}
