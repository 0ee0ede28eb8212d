/// Bytes in a sector: 512, always, whatever the device's logical block is.
public let sectorByteCount = 512

/// The number of a sector on a device or in a volume (the kernel's `sector_t` as a position).
public struct Sector: Hashable, Comparable, Sendable {
  public var rawValue: UInt64

  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// The sector's first byte, counted from the start of the device.
  @inlinable public var byteOffset: UInt64 { rawValue * UInt64(sectorByteCount) }

  @inlinable public static func < (a: Sector, b: Sector) -> Bool { a.rawValue < b.rawValue }
  @inlinable public static func + (a: Sector, b: SectorCount) -> Sector {
    Sector(a.rawValue + b.rawValue)
  }
  /// The distance from `b` up to `a`; traps when `b` lies above `a`.
  @inlinable public static func - (a: Sector, b: Sector) -> SectorCount {
    SectorCount(a.rawValue - b.rawValue)
  }
}

/// A number of sectors (the kernel's `sector_t` as an amount).
public struct SectorCount: Hashable, Comparable, Sendable {
  public var rawValue: UInt64

  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// The same amount in bytes.
  @inlinable public var byteCount: UInt64 { rawValue * UInt64(sectorByteCount) }

  @inlinable public static func < (a: SectorCount, b: SectorCount) -> Bool {
    a.rawValue < b.rawValue
  }
}

/// Consecutive sectors: `first`, and how many. Printed as `first+count`, as `dmsetup` users know
/// it.
public struct SectorRange: Hashable, Sendable, CustomStringConvertible {
  public var first: Sector
  public var count: SectorCount

  @inlinable public init(first: Sector, count: SectorCount) {
    self.first = first
    self.count = count
  }

  /// The sectors from `first` up to, not including, `end`.
  @inlinable public init(_ first: Sector, upTo end: Sector) {
    self.init(first: first, count: end - first)
  }

  /// The sector behind the last one.
  @inlinable public var end: Sector { first + count }
  @inlinable public var isEmpty: Bool { count.rawValue == 0 }

  /// Whether the ranges share a sector.
  @inlinable public func overlaps(_ other: SectorRange) -> Bool {
    first < other.end && other.first < end
  }

  /// Whether every sector of `other` is in this range.
  @inlinable public func contains(_ other: SectorRange) -> Bool {
    first <= other.first && other.end <= end
  }

  public var description: String { "\(first.rawValue)+\(count.rawValue)" }
}
