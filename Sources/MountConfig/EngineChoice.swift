/// Which backend moves the sectors (key `engine`).
public enum EngineChoice: String, CaseIterable, Sendable {
  /// io_uring where the kernel has it, else threads.
  case auto
  case uring
  case threads
}
