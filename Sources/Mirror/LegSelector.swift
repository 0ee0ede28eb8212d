internal import BlockIO
internal import Synchronization

/// Chooses the leg that serves a read, by the volume's policy. Any thread.
final class LegSelector: Sendable {
  private final class Load: Sendable { let pending = Atomic<Int>(0) }

  private let policy: ReadPolicy
  /// Legs that serve first, and those that serve only when none of the first can.
  private let preferred: LegBits
  private let nextTurn = Atomic<Int>(0)
  private let loads: [Load]

  init(policy: ReadPolicy, writeMostly: [Bool]) {
    self.policy = policy
    var preferred: LegBits = []
    for (index, isWriteMostly) in writeMostly.enumerated() where !isWriteMostly {
      preferred.insert(index: index)
    }
    self.preferred = preferred.isEmpty ? .all(count: writeMostly.count) : preferred
    loads = writeMostly.map { _ in Load() }
  }

  /// The leg to read from, out of `candidates`; nil when there are none.
  func choose(from candidates: LegBits) -> Int? {
    let favoured = candidates.intersection(preferred)
    let choice = favoured.isEmpty ? candidates : favoured
    switch policy {
    case .primary:
      return choice.lowestIndex
    case .roundRobin:
      guard !choice.isEmpty else { return nil }
      let turn = nextTurn.wrappingAdd(1, ordering: .relaxed).oldValue
      return choice.index(at: Int(UInt(bitPattern: turn) % UInt(choice.count)))
    case .leastPending:
      return choice.indices.min { pending($0) < pending($1) }
    }
  }

  /// Counts a read as under way on its leg; only the policy that looks at it pays for it.
  func begin(_ leg: Int) {
    guard policy == .leastPending else { return }
    loads[leg].pending.wrappingAdd(1, ordering: .relaxed)
  }

  func end(_ leg: Int) {
    guard policy == .leastPending else { return }
    loads[leg].pending.wrappingSubtract(1, ordering: .relaxed)
  }

  private func pending(_ leg: Int) -> Int { loads[leg].pending.load(ordering: .relaxed) }
}

extension LegBits {
  /// The n-th leg of the set, counted from the lowest.
  func index(at place: Int) -> Int? {
    var bits = rawValue
    for _ in 0..<place { bits &= bits &- 1 }
    return bits == 0 ? nil : bits.trailingZeroBitCount
  }
}
