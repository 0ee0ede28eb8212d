/// Decides whether it pays to look for the next request for a moment before sleeping: only where
/// the last ones came soon, as from a program that waits for each. To be woken on another
/// processor takes longer than that.
///
/// A look in vain has kept a processor from others that could have brought the request: the next is
/// far off then.
struct SpinPatience {
  /// How long a look lasts at most, in nanoseconds: what it takes a caller to be woken on a
  /// processor that sleeps, and to come again.
  static let most: UInt64 = 150_000
  /// How long of that nobody else gets the processor.
  static let alone: UInt64 = 20_000
  /// Short sleeps in a row, counted up from there after a look in vain.
  private static let (enough, penalty) = (4, -16)

  private let isPossible: Bool
  private var score = 0

  /// - Parameter isPossible: whether there is another processor that brings requests meanwhile.
  init(isPossible: Bool) { self.isPossible = isPossible }

  var isWorthSpinning: Bool { isPossible && score >= Self.enough }

  mutating func noteSpin(_ found: Bool) { if !found { score = Self.penalty } }

  mutating func noteSleep(isShort: Bool) {
    score = isShort ? min(Self.enough, score + 1) : min(0, score)
  }
}
