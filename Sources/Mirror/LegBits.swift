public import BlockIO

/// Which legs of a volume: bit n stands for leg n. What users see as `error_bits`.
///
/// Not to be mixed up with `ErrorBits`, which counts the regions of one request.
public struct LegBits: IndexBits {
  public let rawValue: UInt64
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// Every leg of a volume with `count` legs.
  @inlinable public static func all(count: Int) -> LegBits {
    LegBits(rawValue: count == 64 ? .max : (1 << UInt64(count)) - 1)
  }

  /// The legs in the set by rising index.
  @inlinable public var indices: [Int] { (0..<64).filter { contains(index: $0) } }
}
