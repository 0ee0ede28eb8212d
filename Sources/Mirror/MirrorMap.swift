public import BlockIO

/// What one cell of a map shows of one leg, by rising precedence: a cell with several of them shows
/// the last.
public enum MapCell: UInt8, Comparable, Sendable, CaseIterable {
  case inSync
  /// Not yet compared with the other legs, or not made equal since an unclean stop.
  case unsettled
  case stale
  /// Stale, because legs differ and nobody has said which is right.
  case disputed
  /// Stale, written again, and not yet flushed.
  case resyncing
  case readErrors
  /// The last copy missed a write.
  case unwritten

  public static func < (a: MapCell, b: MapCell) -> Bool { a.rawValue < b.rawValue }
}

/// The whole of a mirror set at one moment, in cells of equal size.
public struct MirrorMap: Sendable {
  /// Sectors of a cell; the last one may have fewer.
  public let cellSectorCount: SectorCount
  /// A row of cells for each leg.
  public let legs: [[MapCell]]
  /// Cells with a chunk that is marked in the write-intent map; nil without such a map.
  public let intent: [Bool]?
  /// Where the scrub that is under way, or waits, compares next.
  public let scrubPosition: Sector?

  /// - Parameter mostCells: at least one; a small volume has fewer, of 4 KiB.
  init(_ health: borrowing MirrorHealth, marked: [SectorRange]?, mostCells: Int) {
    let sectorCount = health.whole.count.rawValue
    let even = (sectorCount + UInt64(mostCells) - 1) / UInt64(mostCells)
    let cell = max(8, (even + 7) / 8 * 8)
    let count = Int((sectorCount + cell - 1) / cell)
    cellSectorCount = SectorCount(cell)
    let unsettled = health.unsettled.ranges + health.unverified.ranges
    legs = health.legs.map { leg in
      var row = [MapCell](repeating: .inSync, count: count)
      let layers: [(MapCell, [SectorRange])] = [
        (.unsettled, unsettled), (.stale, leg.stale.ranges), (.disputed, health.disputed.ranges),
        (.resyncing, leg.rewritten.ranges + leg.flushing.ranges),
        (.readErrors, leg.unreadable.ranges), (.unwritten, leg.unwritten.ranges),
      ]
      for (kind, ranges) in layers {
        // The leg that a dispute is read from is not stale there.
        for range in ranges where kind != .disputed || leg.stale.overlaps(range) {
          for index in Self.cells(of: range, cell) where row.indices.contains(index) {
            row[index] = max(row[index], kind)
          }
        }
      }
      return row
    }
    intent = marked.map { marked in
      var row = [Bool](repeating: false, count: count)
      for range in marked {
        for index in Self.cells(of: range, cell) where row.indices.contains(index) {
          row[index] = true
        }
      }
      return row
    }
    scrubPosition = health.scrub?.position
  }

  private static func cells(of range: SectorRange, _ cell: UInt64) -> Range<Int> {
    guard !range.isEmpty else { return 0..<0 }
    return Int(range.first.rawValue / cell)..<Int((range.end.rawValue - 1) / cell) + 1
  }
}

extension MirrorSet {
  /// The set as a row of at most `mostCells` cells a leg.
  public func map(mostCells: Int) -> MirrorMap {
    let marked = durable?.intent?.marked()
    return withHealth { MirrorMap($0, marked: marked, mostCells: mostCells) }
  }
}
