/// Which in-sync leg a read goes to (key `read_policy`).
public enum ReadPolicyChoice: String, CaseIterable, Sendable {
  /// The first in-sync leg.
  case primary
  case roundRobin = "round-robin"
  /// The leg with the fewest transfers in flight.
  case leastPending = "least-pending"
}
