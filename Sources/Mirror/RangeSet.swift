public import BlockIO

/// A set of sectors, kept as sorted ranges that neither overlap nor touch.
///
/// Exact to the sector up to a bound of ranges; beyond, it errs to one side, chosen when it is
/// made.
public struct RangeSet: Sendable, Equatable {
  /// What becomes of a set that would have too many ranges.
  public enum Overflow: Sendable {
    /// Neighbours are merged into chunks: nothing is ever forgotten (rule M6). For what a leg
    /// missed.
    case merge
    /// All but the last insertion is left out: nothing is in the set that was not put there. For
    /// what a leg is known to hold; a write may be waiting for the flush of what it put there.
    case forget
  }

  /// Most ranges that are kept exactly, unless said otherwise; 16 bytes each.
  public static let usualBound = 4096
  /// The unit of the first merge: 4 MiB. It doubles for as long as the bound is exceeded.
  static let firstChunk = SectorCount(8192)

  public private(set) var ranges: [SectorRange] = []
  private let bound: Int
  private let overflow: Overflow

  public init(bound: Int = usualBound, overflow: Overflow = .merge) {
    self.bound = bound
    self.overflow = overflow
  }

  public init(_ range: SectorRange) {
    self.init()
    insert(range)
  }

  /// Exactly these ranges, which rise and do not overlap, even beyond the bound.
  init(sorted ranges: [SectorRange]) {
    self.init()
    self.ranges = ranges
  }

  public var isEmpty: Bool { ranges.isEmpty }

  /// How many sectors are in the set.
  public var sectorCount: SectorCount {
    SectorCount(ranges.reduce(0) { $0 + $1.count.rawValue })
  }

  /// Whether any sector of `range` is in the set.
  public func overlaps(_ range: SectorRange) -> Bool {
    guard !ranges.isEmpty, !range.isEmpty else { return false }
    let index = firstIndex(endingAfter: range.first)
    return index < ranges.count && ranges[index].first < range.end
  }

  /// Whether all sectors of `range` are in the set.
  public func contains(_ range: SectorRange) -> Bool {
    if range.isEmpty { return true }
    let index = firstIndex(endingAfter: range.first)
    return index < ranges.count && ranges[index].contains(range)
  }

  /// Whether the next insertion may have to merge or forget.
  public var isFull: Bool { ranges.count >= bound }

  /// Adds sectors; at most the bound's number of ranges is left.
  public mutating func insert(_ range: SectorRange) {
    insertExactly(range)
    guard ranges.count > bound else { return }
    switch overflow {
    case .merge: merge()
    case .forget: ranges = [range]
    }
  }

  /// Takes sectors out, all of them, even where that splits a range and there are too many then:
  /// only a set that may forget keeps to its bound here, too.
  public mutating func remove(_ range: SectorRange) {
    guard !range.isEmpty else { return }
    let start = firstIndex(endingAfter: range.first)
    var end = start
    var rest: [SectorRange] = []
    while end < ranges.count, ranges[end].first < range.end {
      let old = ranges[end]
      if old.first < range.first { rest.append(SectorRange(old.first, upTo: range.first)) }
      if range.end < old.end { rest.append(SectorRange(range.end, upTo: old.end)) }
      end += 1
    }
    guard end > start else { return }
    if overflow == .forget, ranges.count - (end - start) + rest.count > bound { rest.removeLast() }
    ranges.replaceSubrange(start..<end, with: rest)
  }

  /// Adds all sectors of `other`.
  public mutating func formUnion(_ other: RangeSet) {
    for range in other.ranges { insert(range) }
  }

  public mutating func removeAll() { ranges.removeAll() }

  /// Takes out all that is in `other`; in one pass, whatever the number of ranges.
  public mutating func subtract(_ other: RangeSet) {
    guard !other.isEmpty else { return }
    var left: [SectorRange] = []
    var start = 0
    for range in ranges {
      var first = range.first
      while start < other.ranges.count, other.ranges[start].end <= first { start += 1 }
      var index = start
      while index < other.ranges.count, other.ranges[index].first < range.end {
        let hole = other.ranges[index]
        if first < hole.first { left.append(SectorRange(first, upTo: hole.first)) }
        first = hole.end
        index += 1
      }
      if first < range.end { left.append(SectorRange(first, upTo: range.end)) }
    }
    ranges = left
  }

  /// The parts of `range` that are in the set, by rising sector.
  public func parts(of range: SectorRange) -> [SectorRange] {
    var found: [SectorRange] = []
    var index = firstIndex(endingAfter: range.first)
    while index < ranges.count, ranges[index].first < range.end {
      let first = max(ranges[index].first, range.first)
      found.append(SectorRange(first, upTo: min(ranges[index].end, range.end)))
      index += 1
    }
    return found
  }

  private mutating func insertExactly(_ range: SectorRange) {
    guard !range.isEmpty else { return }
    // Sequential writers extend the last range: no search, no move.
    if let last = ranges.last, last.first <= range.first {
      if range.first <= last.end {
        let end = max(last.end, range.end)
        ranges[ranges.count - 1] = SectorRange(last.first, upTo: end)
      } else {
        ranges.append(range)
      }
      return
    }
    let start = firstIndex(endingAtOrAfter: range.first)
    var (first, last, end) = (range.first, range.end, start)
    while end < ranges.count, ranges[end].first <= range.end {
      first = min(first, ranges[end].first)
      last = max(last, ranges[end].end)
      end += 1
    }
    ranges.replaceSubrange(start..<end, with: CollectionOfOne(SectorRange(first, upTo: last)))
  }

  /// Rounds every range outwards to chunks, with larger chunks until half the bound is free again:
  /// else the next insertion would have to do all this again. Never past the last range's end:
  /// there the volume may end, too.
  private mutating func merge() {
    guard let last = ranges.last?.end else { return }
    var chunk = Self.firstChunk.rawValue
    while ranges.count > max(1, bound / 2) {
      let exact = ranges
      ranges.removeAll(keepingCapacity: true)
      for range in exact {
        let first = range.first.rawValue / chunk * chunk
        let (end, isOver) = ((range.end.rawValue + chunk - 1) / chunk).multipliedReportingOverflow(
          by: chunk)
        insertExactly(SectorRange(Sector(first), upTo: isOver ? last : min(last, Sector(end))))
      }
      chunk *= 2
    }
  }

  private func firstIndex(endingAfter sector: Sector) -> Int {
    partition { sector < $0.end }
  }

  private func firstIndex(endingAtOrAfter sector: Sector) -> Int {
    partition { sector <= $0.end }
  }

  /// The first index for which `isBehind` holds; it holds for every later one, too.
  private func partition(_ isBehind: (SectorRange) -> Bool) -> Int {
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if isBehind(ranges[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
