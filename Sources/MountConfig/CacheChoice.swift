/// How the kernel's page cache is used for a volume (key `cache`).
public enum CacheChoice: String, CaseIterable, Sendable {
  /// Reads are cached; a write has reached the legs when it returns.
  case writethrough
  /// Writes are gathered in memory; errors are told by fsync and close. The whole mount's choice.
  case writeback
  /// Nothing is cached but mapped pages.
  case none
}
