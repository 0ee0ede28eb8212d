/// What a write does that meets a full leg (key `on_no_space`, rule M13).
public enum NoSpaceChoice: String, CaseIterable, Sendable {
  /// It succeeds when the other legs hold it; the full one is stale there.
  case stale
  /// The same, and the writer is told ENOSPC.
  case error
}

/// What a request does that no leg can serve (key `on_all_failed`, rule M14).
public enum AllFailedChoice: String, CaseIterable, Sendable {
  /// It fails.
  case error
  /// It waits until a leg answers.
  case wait
}
