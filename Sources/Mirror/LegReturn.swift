internal import BlockIO
internal import DMIO

extension MirrorSet {
  /// Opens a leg anew, and takes its lock (rule M20).
  ///
  /// One whose open file others share gets one of its own, so that nothing changes for them: what
  /// they were sent is still flushed, and its loss still told, where it was written.
  /// - Parameter old: the leg as the caller knows it; nothing is done where it is no longer there.
  /// - Returns: whether it is what it was, and what the disk says of itself.
  /// - Throws: the errno of open(2), ESTALE, EAGAIN when somebody else has its sectors.
  func reopen(
    _ index: Int, of old: Leg, on lane: IOLane
  ) throws(Errno) -> (isSame: Bool, diskMark: UInt64) {
    guard let file = old.file else { return (true, 0) }
    let before = file.mark
    guard file.isShared else {
      try file.reopen(locking: old.region.sectors)
      return (file.mark.isSame(as: before), file.diskMark)
    }
    let own = try file.openedAlone(locking: old.region.sectors)
    do throws(Errno) {
      try changeLegs(on: lane) { _, legs in
        var change = LegChange(legs)
        if legs.indices.contains(index), legs[index].file === file {
          change.legs[index] = legs[index].with(own)
        }
        return change
      }
    } catch {
      own.unlock()
      try? file.lock(old.region.sectors)
      throw error
    }
    return (own.mark.isSame(as: before), own.diskMark)
  }
}

extension Leg {
  /// The same leg, opened anew.
  fileprivate func with(_ file: DeviceFile) -> Leg {
    Leg(
      file: file, region: Region(device: file.device, sectors: region.sectors), name: name,
      isWriteMostly: isWriteMostly, deadlineMilliseconds: deadlineMilliseconds, claim: claim)
  }
}
