public import BlockIO
public import DMIO

extension MirrorSet {
  /// Reserves the space of sectors on every file leg, so that a later write there cannot fail for
  /// want of it; what the sectors hold does not change.
  ///
  /// Legs that know no reservation (block devices, some file systems) are passed over, and those
  /// that are not written to. A leg that cannot reserve is not degraded: it has missed nothing.
  /// - Throws: ENOSPC, or another errno of the first leg that refused.
  public func reserve(_ sectors: SectorRange, on lane: IOLane) throws(Errno) {
    lane.willWait?()
    let targets = writeTargets
    for (index, leg) in legs.enumerated()
    where leg.region.device.kind == .file && targets.contains(index: index) {
      do throws(Errno) {
        try leg.file?.reserve(leg.region(of: sectors).sectors)
      } catch .notSupported {
        continue
      }
    }
  }
}
