internal import BlockIO
internal import DMIO
internal import Glibc

extension MirrorKeeper {
  /// Compares legs that have never been compared; returns the sectors that are settled (rule M16).
  func verify(_ range: SectorRange) -> UInt64 {
    let error = look(range) { (_) throws(Errno) in
      for (segment, inSync) in set.segments(of: range) {
        let out = set.withHealth { $0.outLegs }.intersection(inSync)
        let legs = inSync.subtracting(out)
        let found = findDifferences(segment, legs, unit: set.logicalBlockByteCount)
        guard found.unread.isEmpty else { throw .ioError }
        set.update { health in
          // Not compared, so not believed: it is resynced when it is restored.
          _ = health.markStale(out, segment) { _ in [] }
          for difference in found.ranges {
            health.disputed.insert(difference.range)
            let others = legs.subtracting(LegBits(index: legs.lowestIndex ?? 0))
            _ = health.markStale(others, difference.range) { _ in [] }
          }
          health.unverified.remove(segment)
        }
        note(found.ranges)
      }
    }
    if error == .restart { return 0 }
    if error != nil {
      // A leg does not answer: its turn comes again, and until then nothing is believed of it.
      set.update { health in
        for index in health.legs.indices { health.legs[index].retry.noteFailure(Pace.now()) }
      }
      return 0
    }
    settleIfDone(.verify)
    return range.count.rawValue
  }

  /// Compares legs because somebody asked, and repairs if that was asked for, too (rule M11).
  func scrub(_ range: SectorRange, _ task: ScrubTask) {
    var found: [Mismatch] = []
    let error = look(range) { (_) throws(Errno) in
      for (segment, legs) in set.segments(of: range) {
        found += findDifferences(segment, legs.subtracting(set.withHealth { $0.absentLegs })).ranges
      }
    }
    if error == .restart { return }
    if task.isRepair, !set.withHealth({ $0.work.isReadOnly }) {
      found = found.filter { !repairDifference($0, source: task.source) }
    }
    set.update { health in
      guard health.scrub != nil else { return }
      for mismatch in found where health.mismatches.count < RangeSet.usualBound {
        health.mismatches.append(mismatch)
      }
      health.scrub?.position = range.end
    }
    note(found)
    set.durable?.wantsCommit()
    guard range.end >= task.range.end else { return }
    let count = set.update { health -> Int in
      health.scrub = nil
      health.changes += 1
      return health.mismatches.count
    }
    set.note("scrub=finished differing_ranges=\(count)", isWarning: count > 0)
  }

  /// Rewrites a range on the legs that differ; false where nobody knows what is right.
  private func repairDifference(_ mismatch: Mismatch, source: Int?) -> Bool {
    var isRepaired = true
    let error = change(mismatch.range) { (held) throws(Errno) in
      // Once more, and with nobody else writing: only what still differs is touched.
      for (segment, inSync) in set.segments(of: mismatch.range) {
        let asked = inSync.subtracting(set.withHealth { $0.absentLegs })
        let found = findDifferences(segment, asked, unit: set.logicalBlockByteCount)
        // What a leg that could not be read left in its buffer is no data.
        let legs = asked.subtracting(found.unread)
        for block in found.ranges {
          guard let right = rightLeg(of: legs, in: block, source: source) else {
            isRepaired = false
            continue
          }
          let memory = unsafe buffers[right] + offset(of: block.range, in: segment)
          let others = legs.subtracting(LegBits(index: right))
          let wrong = differing(others, from: right, in: block.range, of: segment)
          unsafe try held.rewrite(block.range, from: unsafe memory, to: wrong)
          set.update { health in
            for index in wrong.indices { health.legs[index].counters.corrected += 1 }
          }
        }
      }
    }
    return isRepaired && error == nil
  }

  private func rightLeg(of legs: LegBits, in block: Mismatch, source: Int?) -> Int? {
    if let source { return legs.contains(index: source) ? source : nil }
    let agreeing = legs.subtracting(block.legs)
    return agreeing.count * 2 > legs.count ? agreeing.lowestIndex : nil
  }

  private func offset(of range: SectorRange, in segment: SectorRange) -> Int {
    Int((range.first - segment.first).byteCount)
  }

  private func note(_ found: [Mismatch]) {
    for mismatch in found.prefix(4) {
      set.note("differs=\(mismatch.range) legs=\(mismatch.legs)", isWarning: true)
    }
    if found.count > 4 { set.note("differs=more count=\(found.count - 4)", isWarning: true) }
  }

  /// The legs whose buffers hold something else than the source's, in a part of a segment.
  func differing(
    _ legs: LegBits, from source: Int, in part: SectorRange, of segment: SectorRange
  ) -> LegBits {
    let (place, byteCount) = (offset(of: part, in: segment), Int(part.count.byteCount))
    return LegBits(
      indices: legs.indices.filter {
        unsafe memcmp(buffers[$0] + place, buffers[source] + place, byteCount) != 0
      })
  }

  /// Reads a segment from all these legs and tells where they differ.
  ///
  /// - Parameter unit: in bytes; what differs is told in multiples of it.
  /// The caller holds the range. Afterwards the leg's data is in its buffer.
  func findDifferences(
    _ segment: SectorRange, _ legs: LegBits, unit: Int = sectorByteCount
  ) -> (ranges: [Mismatch], unread: LegBits) {
    guard legs.count > 1 else { return ([], []) }
    let unread = readAll(segment, legs)
    let read = legs.subtracting(unread)
    guard let first = read.lowestIndex, read.count > 1 else { return ([], unread) }
    let byteCount = Int(segment.count.byteCount)
    let isEqual = read.indices.allSatisfy {
      unsafe $0 == first || memcmp(buffers[first], buffers[$0], byteCount) == 0
    }
    if isEqual { return ([], unread) }
    var found: [Mismatch] = []
    for place in stride(from: 0, to: byteCount, by: unit) {
      let unitByteCount = min(unit, byteCount - place)
      let wrong = minority(of: read, at: place, byteCount: unitByteCount)
      if wrong.isEmpty { continue }
      let first = segment.first + SectorCount(UInt64(place / sectorByteCount))
      let count = UInt64(unitByteCount / sectorByteCount)
      if let last = found.last, last.legs == wrong, last.range.end == first {
        found[found.count - 1].range.count = SectorCount(last.range.count.rawValue + count)
      } else {
        found.append(
          Mismatch(range: SectorRange(first: first, count: SectorCount(count)), legs: wrong))
      }
    }
    return (found, unread)
  }

  /// The legs that differ from the majority in one place; all, where there is no majority.
  private func minority(of legs: LegBits, at byteOffset: Int, byteCount: Int) -> LegBits {
    for candidate in legs.indices {
      var agreeing: LegBits = []
      for other in legs.indices
      where unsafe memcmp(
        buffers[candidate] + byteOffset, buffers[other] + byteOffset, byteCount) == 0
      {
        agreeing.insert(index: other)
      }
      if agreeing == legs { return [] }
      if agreeing.count * 2 > legs.count { return legs.subtracting(agreeing) }
    }
    return legs
  }

  /// Reads the segment from each leg into its buffer, side by side; returns the legs that failed.
  func readAll(_ segment: SectorRange, _ legs: LegBits) -> LegBits {
    let outcome = unsafe set.readLegs(legs, segment, into: buffers, on: lane)
    guard !outcome.isSuccess else { return [] }
    set.update { health in
      set.noteErrors(outcome, .read, segment, in: &health)
      for leg in outcome.failed.indices where !health.legs[leg].isSlow {
        health.legs[leg].unreadable.insert(segment)
      }
    }
    return outcome.failed
  }
}
