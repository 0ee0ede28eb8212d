/// What a write does that meets a full leg (rule M13).
public enum NoSpacePolicy: Sendable {
  /// It succeeds when the other legs hold it.
  case stale
  /// The same, and the writer is told.
  case error
}

/// What a request does that no in-sync leg can serve (rule M14).
public enum AllFailedPolicy: Sendable {
  /// It fails.
  case error
  /// It is made again until a leg answers.
  case wait
}
