/// What a write does that meets a full leg (rule M13).
public enum NoSpacePolicy: Sendable {
  /// It succeeds when the other legs hold it.
  case stale
  /// The same, and the writer is told.
  case error
}

/// What can be said of a set anew while it is in use.
public struct MirrorPolicy: Sendable {
  public var readPolicy: ReadPolicy
  /// In-sync legs that must hold a write for it to succeed (rule M5): 1 to their number.
  public var writeQuorum: Int
  public var onNoSpace: NoSpacePolicy
  public var onAllFailed: AllFailedPolicy

  public init(
    readPolicy: ReadPolicy = .primary, writeQuorum: Int = 1, onNoSpace: NoSpacePolicy = .stale,
    onAllFailed: AllFailedPolicy = .error
  ) {
    self.readPolicy = readPolicy
    self.writeQuorum = writeQuorum
    self.onNoSpace = onNoSpace
    self.onAllFailed = onAllFailed
  }
}

/// What a request does that no in-sync leg can serve (rule M14).
public enum AllFailedPolicy: Sendable {
  /// It fails.
  case error
  /// It is made again until a leg answers.
  case wait
}
