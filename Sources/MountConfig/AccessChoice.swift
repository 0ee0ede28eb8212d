/// How a leg is opened (key `io`, rule M19).
public enum AccessChoice: String, CaseIterable, Sendable {
  /// Direct where the leg allows it, else buffered.
  case auto
  case direct
  case buffered
}
