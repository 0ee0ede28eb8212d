internal import BlockIO
internal import DMIO

/// Holes of sparse legs: what reads as zeroes on all of them is equal, however large it is.
///
/// Nothing is held while legs are asked, which may take long on a disk that hangs. A write that
/// comes meanwhile goes to all legs, or makes those stale that miss it, so what was equal stays so.
extension MirrorKeeper {
  /// Most bytes that are made a hole in one step; requests wait for it.
  private static let punchByteCount: UInt64 = 1 << 30

  /// Sectors from the start of `left` that are holes on all of these legs, more than a step of them
  /// and whole steps, so that what follows lines up; nil when there are not that many.
  private func holes(in left: SectorRange, _ legs: LegBits) -> SectorRange? {
    var end = left.end
    for index in legs.indices {
      guard let file = table.legs[index].file, file.tellsHoles else { return nil }
      let start = table.legs[index].region(of: left).sectors.first.byteOffset
      guard let data = file.seek(toHole: false, from: start) else { continue }
      let sectors = left.first.rawValue + (data - start) / UInt64(sectorByteCount)
      let edge = Sector(sectors / stepSectors.rawValue * stepSectors.rawValue)
      if edge < end { end = edge }
      if end <= left.first { return nil }
    }
    let found = SectorRange(left.first, upTo: end)
    return found.count > stepSectors ? found : nil
  }

  /// Legs that were never compared, and are holes. How many sectors were passed over.
  func verifyHoles(_ range: SectorRange) -> UInt64 {
    guard let all = set.withHealth({ $0.unverified.ranges.first }), all.first == range.first,
      let found = holes(in: all, table.all)
    else { return 0 }
    set.update { $0.unverified.remove(found) }
    settleIfDone(.verify)
    return found.count.rawValue
  }

  /// Legs that may differ since a crash, and are holes; a leg that is passed by may differ all the
  /// same, so then there is nothing to pass over.
  func recoverHoles(_ range: SectorRange) -> UInt64 {
    let (all, isWhole) = set.withHealth { ($0.unsettled.ranges.first, $0.absentLegs.isEmpty) }
    guard isWhole, let all, all.first == range.first, let found = holes(in: all, table.all) else {
      return 0
    }
    set.update { $0.unsettled.remove(found) }
    settleIfDone(.recovery)
    return found.count.rawValue
  }

  /// The last step of a scrub is an ordinary one, which ends it.
  func scrubHoles(_ task: ScrubTask) -> UInt64 {
    let last = Sector((task.range.end.rawValue - 1) / stepSectors.rawValue * stepSectors.rawValue)
    guard task.position < last,
      let found = holes(in: SectorRange(task.position, upTo: last), table.all)
    else { return 0 }
    set.update { $0.scrub?.position = found.end }
    set.durable?.wantsCommit()
    return found.count.rawValue
  }

  /// Makes a hole what is one on the leg that the others are copied from.
  func resyncHoles(_ range: SectorRange, _ targets: LegBits) -> UInt64 {
    let left = set.withHealth { health -> SectorRange? in
      // As far as the same legs miss it, and the same legs have it.
      var end = health.whole.end
      for index in targets.indices {
        // One that has to be opened anew first gets an ordinary step.
        guard !health.legs[index].retry.mustReopen,
          let all = health.resyncable(index).ranges.first(where: { $0.contains(range) })
        else { return nil }
        end = min(end, all.end)
      }
      let all = SectorRange(range.first, upTo: end)
      return health.segments(of: all).first?.range
    }
    guard let left, let source = sources(of: left, targets).lowestIndex,
      let found = holes(in: left, LegBits(index: source)),
      targets.indices.allSatisfy({ table.legs[$0].file?.tellsHoles == true })
    else { return 0 }
    // A leg that has just been made is holes already, and takes no time.
    let isEmpty = holes(in: found, targets) == found
    let most = SectorCount(Self.punchByteCount / UInt64(sectorByteCount))
    let part =
      isEmpty || found.count < most ? found : SectorRange(first: found.first, count: most)
    var passed: UInt64 = 0
    _ = change(part) { (held) throws(Errno) in
      guard sources(of: part, targets).contains(index: source),
        holes(in: part, LegBits(index: source)) == part,
        set.segments(of: part).allSatisfy({ $0.inSync.intersection(targets).isEmpty })
      else { return }
      if held.punch(part, targets) { passed = part.count.rawValue }
    }
    return passed
  }

  /// The legs that hold a range whole, and on which it could be read so far.
  private func sources(of range: SectorRange, _ targets: LegBits) -> LegBits {
    set.withHealth { health in
      // Where legs may differ, one counts, and which that is, is not decided here.
      guard !health.unsettled.overlaps(range), !health.unverified.overlaps(range) else {
        return []
      }
      return health.readableLegs(range).subtracting(health.unreadableLegs(range))
        .subtracting(targets)
    }
  }
}

extension HeldRange {
  /// Zeroes what stale legs missed; it counts after the next good flush. False when a leg cannot.
  borrowing func punch(_ part: SectorRange, _ targets: LegBits) -> Bool {
    let flushFailures = set.flushFailureCount
    let result = unsafe transfer(.writeZeroes, part, from: nil, to: targets)
    set.written.note(part)
    set.update { health in
      guard result.isSuccess, set.flushFailureCount == flushFailures else { return }
      for index in targets.indices { health.legs[index].noteWritten(part) }
    }
    return result.isSuccess
  }
}
