/// A set of indices 0..<64 kept in one word, printed as hex (`0x2`).
///
/// Two types conform, so that the compiler keeps them apart: ``ErrorBits`` counts the regions of
/// one request, `LegBits` (module Mirror) counts the legs of a volume.
public protocol IndexBits: OptionSet, Hashable, Sendable, CustomStringConvertible
where RawValue == UInt64 {}

extension IndexBits {
  /// The set that holds `index` alone. Range 0..<64; anything else traps.
  @inlinable public init(index: Int) {
    precondition((0..<64).contains(index), "an index of a 64-bit set")
    self.init(rawValue: 1 << UInt64(index))
  }

  /// Whether `index` is in the set; false for what is no index of one.
  @inlinable public func contains(index: Int) -> Bool {
    (0..<64).contains(index) && rawValue & (1 << UInt64(index)) != 0
  }

  @inlinable public mutating func insert(index: Int) { formUnion(Self(index: index)) }

  /// How many indices are in the set.
  @inlinable public var count: Int { rawValue.nonzeroBitCount }

  /// The smallest index in the set.
  @inlinable public var lowestIndex: Int? {
    rawValue == 0 ? nil : rawValue.trailingZeroBitCount
  }

  public var description: String { "0x" + String(rawValue, radix: 16) }
}

/// Which regions of one request failed: bit n stands for the n-th region of that request.
///
/// dm-io's `error_bits`. A read names one region, so its error is always bit 0: it says nothing
/// about which leg of a volume that was.
public struct ErrorBits: IndexBits {
  public let rawValue: UInt64
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
}
