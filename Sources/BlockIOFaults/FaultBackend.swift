public import BlockIO
internal import Synchronization

/// A backend around another one, in which transfers fail, stop short, wait or hang by rule.
///
/// The shape of nbdkit's filters: it is what it wraps, so faults stack freely and the engine knows
/// nothing of them. Any thread may make queues. `rule` is called once for each transfer, when it is
/// submitted, on the submitting thread, on several threads at once if there are several queues; it
/// must not call into the engine. A held transfer counts as under way, so a request with one does
/// not end before the gate opens.
///
/// While it is not armed, no rule is asked and everything goes straight through: that costs the
/// look at one atomic flag a transfer.
public final class FaultBackend: Backend {
  /// What goes wrong with a transfer; nil: nothing.
  public typealias Rule = @Sendable (TransferFacts) -> Fault?

  public var name: String { wrapped.name }
  let wrapped: any Backend
  let rule: Rule
  private let submittedCount = Atomic<Int>(0)
  private let armed: Atomic<Bool>

  public init(_ wrapped: any Backend, isArmed: Bool = true, rule: @escaping Rule) {
    self.wrapped = wrapped
    self.rule = rule
    armed = Atomic(isArmed)
  }

  /// Whether the rule is asked. Relaxed: a transfer that is submitted at the moment of the change
  /// may go either way.
  var isArmed: Bool { armed.load(ordering: .relaxed) }
  func arm(_ isArmed: Bool) { armed.store(isArmed, ordering: .relaxed) }

  public func makeQueue(isBoundToThread: Bool) throws(Errno) -> any TransferQueue {
    FaultQueue(
      wrapped: try wrapped.makeQueue(isBoundToThread: isBoundToThread), backend: self)
  }

  func fault(of transfer: Transfer) -> Fault? {
    // Relaxed: a number that only has to be different each time.
    let ordinal = submittedCount.add(1, ordering: .relaxed).oldValue
    return rule(
      TransferFacts(
        operation: transfer.operation, device: transfer.device, byteOffset: transfer.byteOffset,
        byteCount: transfer.byteCount, ordinal: ordinal))
  }
}
