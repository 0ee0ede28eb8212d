/// What truncating a volume does (key `truncate`, rule F2); its size stays in any case.
public enum TruncateChoice: String, CaseIterable, Sendable {
  /// The part behind the new end reads as zeroes.
  case zero
  /// Nothing, with success.
  case ignore
  /// Nothing, with an error.
  case refuse
}
