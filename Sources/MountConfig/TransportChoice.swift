/// How the kernel's requests arrive (key `transport`).
public enum TransportChoice: String, CaseIterable, Sendable {
  /// What is best on this kernel.
  case auto
  /// Read from /dev/fuse.
  case dev
  /// Over io_uring, where the kernel has that; else as `dev`.
  case uring
}
