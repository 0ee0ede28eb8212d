internal import BlockIO

/// An error number as text: the sentence, and the name to search for.
enum ErrnoText {
  /// Of the call that failed last on this thread.
  static var current: String { text(Errno.last.rawValue) }

  static func text(_ number: Int32) -> String {
    let error = Errno(number)
    return "\(error) (\(error.name))"
  }
}
