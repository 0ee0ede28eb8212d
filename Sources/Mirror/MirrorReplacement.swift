public import BlockIO
public import DMIO
internal import Glibc

/// Putting another disk in the place of a leg that still serves.
///
/// The new leg is one more leg of the set, stale as a whole: writes go to it, the keeper resyncs
/// it. When it has everything it takes the old one's number, and the old one is let go.
extension MirrorSet {
  /// Begins to replace a leg.
  ///
  /// - Parameters:
  ///   - path: absolute; an existing file or block device. What it holds is overwritten.
  ///   - firstSector: where the copy begins there.
  /// - Throws: EINVAL for a leg that there is none of, or a device whose logical blocks are larger
  ///   than the volume's; EBUSY while a leg is being replaced, or the device is in use; ENOSPC for
  ///   one that is too small; what open(2) and the state directory have to say.
  public func beginReplacement(
    of leg: Int, path: String, firstSector: Sector, on lane: IOLane
  ) throws(Errno) {
    let old = legs
    guard old.indices.contains(leg), path.hasPrefix("/") else { throw .invalid }
    guard old.count < 64, replacement == nil else { throw .inUse }
    let region = SectorRange(first: firstSector, count: sectorCount)
    lane.willWait?()
    let file = try DeviceFile(path: path, access: .automatic, isReadOnly: false, region: region)
    guard file.device.logicalBlockByteCount <= logicalBlockByteCount else { throw .invalid }
    let place = Region(device: file.device, sectors: region)
    guard place.isWithinDevice else { throw .noSpace }
    let isBlockDevice = file.device.kind == .blockDevice
    let claim = isBlockDevice ? try DeviceClaim(blockDevice: path) : nil
    try Self.lock(file, region)
    let new = Leg(
      file: file, region: place, name: path, isWriteMostly: old[leg].isWriteMostly,
      deadlineMilliseconds: old[leg].deadlineMilliseconds, claim: claim)
    try begin(new, inPlaceOf: leg, on: lane)
  }

  func begin(_ new: Leg, inPlaceOf leg: Int, on lane: IOLane) throws(Errno) {
    var isBegun = false
    try changeLegs(on: lane) { health, legs in
      // Somebody else may have begun meanwhile.
      isBegun = health.legs.allSatisfy { $0.replaces == nil }
      guard isBegun, legs.indices.contains(leg) else { return LegChange(legs) }
      var record = LegRecord()
      record.replaces = leg
      record.standsFor = health.legs[leg].standsFor ?? legs[leg].name
      record.addStale(health.whole)
      record.diskMark = new.diskMark
      health.legs.append(record)
      health.changes += 1
      return LegChange(legs: legs + [new], origins: Array(legs.indices) + [nil])
    }
    guard isBegun else { throw .inUse }
    note("leg=\(leg) replacement=begun device=\(new.name.asLogWord)", isWarning: false)
    wakeKeeper()
  }

  /// The keeper may hold on to a leg for a moment that was just given up.
  private static func lock(_ file: DeviceFile, _ region: SectorRange) throws(Errno) {
    for _ in 1...20 {
      do throws(Errno) { return try file.lock(region) } catch { usleep(50_000) }
    }
    throw .inUse
  }

  /// Gives a replacement up; the old leg stays.
  ///
  /// - Throws: EINVAL when there is none, or the old leg does not hold all that the new one has.
  public func cancelReplacement(on lane: IOLane) throws(Errno) {
    var isCancelled = false
    try changeLegs(on: lane) { health, legs in
      guard let index = health.legs.firstIndex(where: { $0.replaces != nil }),
        !health.isNeeded(index)
      else { return LegChange(legs) }
      isCancelled = true
      health.removeLeg(index, into: nil)
      return LegChange(legs).removing(index)
    }
    guard isCancelled else { throw .invalid }
    note("replacement=cancelled", isWarning: false)
  }

  /// The number of a leg that is to replace another.
  var replacement: Int? { withHealth { $0.legs.firstIndex { $0.replaces != nil } } }

  /// Puts the new leg in the old one's place, if it holds everything.
  func endReplacement(on lane: IOLane) throws(Errno) {
    var words: String?
    try changeLegs(on: lane) { health, legs in
      guard let index = health.completeReplacement, let target = health.legs[index].replaces else {
        return LegChange(legs)
      }
      words = "leg=\(target) replacement=finished device=\(legs[index].name.asLogWord)"
      health.legs[index].replaces = nil
      // The same name as in the config again: there is nothing to remember.
      if health.legs[index].standsFor == legs[index].name { health.legs[index].standsFor = nil }
      health.removeLeg(index, into: target)
      var change = LegChange(legs)
      change.legs[target] = legs[index]
      change.origins[target] = index
      return change.removing(index)
    }
    if let words { note(words, isWarning: false) }
  }
}

extension LegChange {
  /// No change.
  init(_ legs: [Leg]) { self.init(legs: legs, origins: Array(legs.indices)) }

  func removing(_ index: Int) -> LegChange {
    var change = self
    change.legs.remove(at: index)
    change.origins.remove(at: index)
    return change
  }
}

extension MirrorHealth {
  /// A new leg that holds everything, and can take the old one's place.
  var completeReplacement: Int? {
    guard !work.isPaused, unsettled.isEmpty, unverified.isEmpty, disputed.isEmpty else {
      return nil
    }
    return legs.firstIndex { leg in
      leg.replaces != nil && !leg.isAbsent && leg.stale.isEmpty && leg.unwritten.isEmpty
        && leg.unreadable.isEmpty
    }
  }

  /// Whether some sector is in sync on no other leg.
  func isNeeded(_ index: Int) -> Bool {
    segments(of: whole).contains { $1.subtracting(LegBits(index: index)).isEmpty }
      || !legs[index].unwritten.isEmpty
  }

  /// Takes a leg away; its record becomes that of `target`, if there is one.
  mutating func removeLeg(_ index: Int, into target: Int?) {
    let record = legs[index]
    let lost = target.map { legs[$0] } ?? record
    // The sum of all growth never sinks: what has to be durable is told by it.
    changes &+= lost.growth &+ 1
    if let target { legs[target] = record }
    legs.remove(at: index)
    func moved(_ bits: LegBits) -> LegBits {
      LegBits(
        indices: legs.indices.filter { now in
          bits.contains(index: now == target ? index : now < index ? now : now + 1)
        })
    }
    errorBitsSeen = moved(errorBitsSeen)
    errorBitsLast = moved(errorBitsLast)
    for place in mismatches.indices { mismatches[place].legs = moved(mismatches[place].legs) }
    mismatches.removeAll { $0.legs.isEmpty }
    if let source = scrub?.source, source == index { scrub?.source = target }
  }
}
