internal import BlockIO

/// Serialises overlapping reads, writes and resync of one volume (rule M7).
///
/// Readers share, writers exclude; who came first goes first, so nobody starves. A blocked caller
/// waits on the condition and holds nothing else. All members are safe on any thread.
final class RangeLock: Sendable {
  /// A place in the line; given back to ``release(_:)``.
  struct Ticket: Hashable, Sendable { fileprivate let number: UInt64 }

  private struct Entry {
    var range: SectorRange
    var isExclusive: Bool
    var ticket: Ticket

    func conflicts(with other: Entry) -> Bool {
      (isExclusive || other.isExclusive) && range.overlaps(other.range)
    }
  }

  private struct State {
    /// Holders and waiters by arrival. An entry is held when no earlier one conflicts with it.
    var entries: [Entry] = []
    var nextNumber: UInt64 = 0
    var waiterCount = 0

    func isHeld(_ ticket: Ticket) -> Bool {
      guard let index = entries.firstIndex(where: { $0.ticket == ticket }) else { return false }
      let mine = entries[index]
      return !entries[..<index].contains { $0.conflicts(with: mine) }
    }
  }

  private let state = ConditionLock(State())

  /// Waits until nobody who came earlier conflicts.
  ///
  /// - Parameter willWait: called before a wait, if there has to be one.
  func acquire(
    _ range: SectorRange, exclusive isExclusive: Bool, willWait: () -> Void = {}
  ) -> Ticket {
    let (ticket, isHeld) = state.withLock { state -> (Ticket, Bool) in
      let entry = Entry(
        range: range, isExclusive: isExclusive, ticket: Ticket(number: state.nextNumber))
      state.nextNumber += 1
      let isHeld = !state.entries.contains { $0.conflicts(with: entry) }
      state.entries.append(entry)
      if !isHeld { state.waiterCount += 1 }
      return (entry.ticket, isHeld)
    }
    if isHeld { return ticket }
    willWait()
    return state.wait { state -> Ticket? in
      guard state.isHeld(ticket) else { return nil }
      state.waiterCount -= 1
      return ticket
    }
  }

  /// Like ``acquire(_:exclusive:willWait:)``, but nil where that would have to wait.
  func acquireAtOnce(_ range: SectorRange, exclusive isExclusive: Bool) -> Ticket? {
    state.withLock { state in
      let entry = Entry(
        range: range, isExclusive: isExclusive, ticket: Ticket(number: state.nextNumber))
      guard !state.entries.contains(where: { $0.conflicts(with: entry) }) else { return nil }
      state.nextNumber += 1
      state.entries.append(entry)
      return entry.ticket
    }
  }

  /// The ranges that somebody is changing, or waits to change.
  func changingRanges() -> [SectorRange] {
    state.withLock { state in state.entries.filter(\.isExclusive).map(\.range) }
  }

  /// All ranges that somebody holds or waits for: for tests.
  func ranges() -> [SectorRange] { state.withLock { $0.entries.map(\.range) } }

  func release(_ ticket: Ticket) {
    let mustWake = state.withLock { state -> Bool in
      if let index = state.entries.firstIndex(where: { $0.ticket == ticket }) {
        state.entries.remove(at: index)
      }
      return state.waiterCount > 0
    }
    if mustWake { state.wakeAll() }
  }
}
