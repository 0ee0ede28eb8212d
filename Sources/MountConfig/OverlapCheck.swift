internal import BlockIO

/// Finds sectors that two legs share, of one volume or of two (section S).
struct OverlapCheck {
  /// A leg's bytes, looked through to what holds them.
  private struct Extent {
    let leg: String
    let mark: SourceMark
    let ground: StorageGround
    let bytes: Range<UInt64>
  }

  private var extents: [StorageGround.Base: [Extent]] = [:]

  /// Adds a leg; legs come in file order.
  mutating func add(
    _ leg: LegDraft, index: Int, of volume: String, _ ground: StorageGround, _ region: SectorRange
  ) {
    guard let (_, mark) = leg.located else { return }
    let (start, startOverflows) = ground.byteOffset.addingReportingOverflow(region.first.byteOffset)
    let (end, endOverflows) = start.addingReportingOverflow(region.count.byteCount)
    guard !startOverflows, !endOverflows else { return }
    let extent = Extent(
      leg: "leg \(index) of volume \(Quoted(volume))", mark: mark, ground: ground,
      bytes: start..<end)
    extents[ground.base, default: []].append(extent)
  }

  /// Reports each leg that shares sectors with one above it, once.
  func report(to log: ProblemLog) {
    for group in extents.values {
      for (index, extent) in group.enumerated() {
        guard let other = group[..<index].first(where: { $0.bytes.overlaps(extent.bytes) }) else {
          continue
        }
        let shared = extent.bytes.clamped(to: other.bytes)
        let sectors = (UInt64(shared.count) + UInt64(sectorByteCount - 1)) / UInt64(sectorByteCount)
        let amount = sectors == 1 ? "1 sector" : "\(sectors) sectors"
        let place = extent.ground.paths.last.map { " in \(Quoted($0))" } ?? ""
        log.report(
          extent.mark,
          "\(extent.leg) uses \(amount)\(place) that \(other.leg) uses already, at "
            + "\(log.place(other.mark)); give each leg sectors of its own: another 'path', or "
            + "'start' and 'count' that do not overlap")
      }
    }
  }
}
