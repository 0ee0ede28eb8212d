internal import BlockIO

/// What is done to the files of a volume's state, in order: for tests that replay losses of power.
enum StateTrace {
  enum Event: Sendable {
    /// Made, or cut to nothing.
    case emptied(path: String)
    case wrote(path: String, offset: Int, bytes: [UInt8])
    case resized(path: String, byteCount: Int)
    case synced(path: String)
    case renamed(path: String, to: String)
    case removed(path: String)
    case folderSynced(path: String)
  }

  /// Called after each, by whoever did it; nil but in such tests.
  static let observer = ConditionLock<(@Sendable (Event) -> Void)?>(nil)

  static func note(_ event: @autoclosure () -> Event) {
    guard let observer = observer.withLock({ $0 }) else { return }
    observer(event())
  }
}
