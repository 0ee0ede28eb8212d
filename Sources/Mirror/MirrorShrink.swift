internal import BlockIO

extension MirrorSet {
  /// Looks whether somebody cut a leg's file, and makes stale what was cut off.
  ///
  /// Without this, the next write behind the cut would grow the file again, and the sectors in
  /// between would read as zeroes without any error. Cheap enough for every few seconds.
  public func checkSizes() {
    let absent = isTroubled ? withHealth { $0.absentLegs } : []
    for (index, leg) in legs.enumerated() where !absent.contains(index: index) {
      guard leg.region.device.kind == .file, let capacity = leg.file?.currentCapacity() else {
        continue
      }
      let region = leg.region.sectors
      let end = Sector(capacity.rawValue)
      guard end < region.end else { continue }
      let kept = end > region.first ? (end - region.first).rawValue : 0
      // Reads and writes are of whole blocks: one of which a part is lost is lost.
      let block = UInt64(logicalBlockByteCount / sectorByteCount)
      noteLost(SectorRange(Sector(kept / block * block), upTo: whole.end), leg: index, leg.file)
    }
  }

  private func noteLost(_ lost: SectorRange, leg index: Int, _ file: DeviceFile?) {
    let isKnown = withHealth { health in
      // It may have been replaced since it was looked at.
      guard index < table.legs.count, table.legs[index].file === file else { return true }
      // Where it is the last good leg it cannot become stale.
      var known = health.legs[index].stale
      known.formUnion(health.legs[index].unwritten)
      return known.contains(lost)
    }
    if isKnown { return }
    update { health in
      guard index < health.legs.count else { return }
      // As after a flush that failed: what is being written may have been cut off, too.
      countFlushFailure()
      noteErrors(LegOutcome(leg: index, .ioError), .read, lost, in: &health)
      _ = health.markStale(LegBits(index: index), lost) { _ in .writeFailed }
    }
    durable?.wantsCommit()
  }
}
