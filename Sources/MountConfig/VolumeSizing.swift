internal import BlockIO

/// Finds the sectors of each leg of a volume, and with them the volume's size.
struct VolumeSizing {
  /// As many as the volume has legs; nil where a leg has a problem.
  private(set) var regions: [SectorRange?] = []
  /// Nil when it cannot be told, which has then been reported.
  private(set) var sectorCount: SectorCount?

  private let log: ProblemLog

  init(_ volume: VolumeDraft, _ surveys: [LegSurvey?], log: ProblemLog) {
    self.log = log
    for (leg, survey) in zip(volume.legs, surveys) {
      guard let leg, let survey else {
        regions.append(nil)
        continue
      }
      regions.append(region(of: leg, survey, volume.size))
    }
    sectorCount = volume.size.value.map(SectorCount.init) ?? commonCount(volume)
  }

  /// The leg's sectors; nil when they cannot be told or are not there.
  private func region(
    of leg: LegDraft, _ survey: LegSurvey, _ size: Setting<UInt64>
  ) -> SectorRange? {
    guard let start = optional(leg.start), let count = optional(leg.count),
      let size = optional(size), let (path, pathMark) = leg.located,
      isAligned(leg.start, survey, path)
    else { return nil }
    if let size, let count, count < size, case .given(_, let mark) = leg.count {
      log.report(
        mark,
        "'count' is \(count) sectors, but the volume's 'size' is \(size); write "
          + "'count: \(size)' or more, or leave it out")
      return nil
    }
    guard let byteCount = survey.byteCount else {
      return regionToBeMade(start ?? 0, size, path, pathMark)
    }
    let end = byteCount / UInt64(sectorByteCount)
    let first = start ?? 0
    guard first < end else {
      log.report(
        leg.start.mark ?? pathMark,
        "'start' is \(first), but \(Quoted(path)) ends at sector \(end); write less than \(end)")
      return nil
    }
    if let count, count > end - first {
      log.report(
        leg.count.mark ?? pathMark,
        "the region \(first)+\(count) goes past the end of \(Quoted(path)), sector \(end); write "
          + "'count: \(end - first)' or less, or leave it out to go to the end")
      return nil
    }
    if let size, size > end - first {
      log.report(
        leg.start.mark ?? pathMark,
        "the region \(first)+\(size) goes past the end of \(Quoted(path)), sector \(end); write "
          + "'size: \((end - first) * UInt64(sectorByteCount))B' or less, a smaller 'start', or "
          + "name a larger leg")
      return nil
    }
    return SectorRange(first: Sector(first), count: SectorCount(size ?? count ?? end - first))
  }

  private func regionToBeMade(
    _ start: UInt64, _ size: UInt64?, _ path: String, _ mark: SourceMark
  ) -> SectorRange? {
    // Without a size the missing key has been reported.
    guard let size else { return nil }
    guard start <= SectorAmount.maximumByteCount / UInt64(sectorByteCount) - size else {
      log.report(mark, "\(Quoted(path)) would end past 8 EiB; write a smaller 'start' or 'size'")
      return nil
    }
    return SectorRange(first: Sector(start), count: SectorCount(size))
  }

  private func isAligned(_ start: Setting<UInt64>, _ survey: LegSurvey, _ path: String) -> Bool {
    guard case .given(let first, let mark) = start else { return true }
    let sectors = UInt64(survey.logicalBlock) / UInt64(sectorByteCount)
    guard sectors > 1, first % sectors != 0 else { return true }
    let below = first / sectors * sectors
    log.report(
      mark,
      "'start' is \(first), but \(Quoted(path)) has logical blocks of \(sectors) sectors; "
        + "write a multiple, such as \(below) or \(below + sectors)")
    return false
  }

  /// The size that all legs share, for a volume that does not name one.
  private func commonCount(_ volume: VolumeDraft) -> SectorCount? {
    guard volume.size.isAbsent, !regions.isEmpty else { return nil }
    let counts = regions.compactMap { $0?.count }
    guard counts.count == regions.count, let least = counts.min() else { return nil }
    guard Set(counts).count > 1 else { return least }
    let list = zip(volume.legs, counts).enumerated().map { index, leg in
      "leg \(index) (\(Quoted(leg.0?.path.value ?? ""))) has \(leg.1.rawValue) sectors"
    }
    // The first leg that disagrees with the first one of all.
    let differing = zip(volume.legs, counts).first { $0.1 != counts[0] }?.0?.located?.mark
    log.report(
      differing ?? volume.mark,
      "the legs of \(Quoted(volume.name)) differ in size: \(list.joined(separator: ", ")); write "
        + "'size: \(least.byteCount)B' to use what all have, or 'count:' at the larger legs")
    return nil
  }

  /// The value, or an inner nil when left out; an outer nil when broken.
  private func optional(_ setting: Setting<UInt64>) -> UInt64?? {
    switch setting {
    case .absent: return .some(nil)
    case .broken: return nil
    case .given(let value, _): return value
    }
  }
}
