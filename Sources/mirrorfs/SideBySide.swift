import BlockIO
import Synchronization

/// Does the same for many volumes, some at a time: mounting and unmounting one is mostly waiting
/// for a disk to have its state written, and a file system writes many at once as fast as one.
enum SideBySide {
  private static let mostThreads = 16

  /// Calls `body` once for each of `0..<count`, on several threads; returns when all have ended.
  static func each(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    guard count > 1 else { return (0..<count).forEach(body) }
    let next = Counter()
    let threads = (0..<min(count, mostThreads)).map { _ in
      IOThread(name: "mirrorfs-state") {
        while true {
          let index = next.value.wrappingAdd(1, ordering: .relaxed).oldValue
          guard index < count else { return }
          body(index)
        }
      }
    }
    for thread in threads { thread.join() }
  }

  /// The first that nobody has taken yet.
  private final class Counter: Sendable { let value = Atomic<Int>(0) }
}
