public import BlockIO
public import DMIO

extension MirrorSet {
  /// Reserves the space of sectors on every file leg, so that a later write there cannot fail for
  /// want of it; what the sectors hold does not change.
  ///
  /// Legs that know no reservation (block devices, some file systems) are passed over. A leg that
  /// cannot reserve is not degraded: it has missed nothing.
  /// - Throws: ENOSPC, or another errno of the first leg that refused.
  public func reserve(_ sectors: SectorRange, on lane: IOLane) throws(Errno) {
    lane.willWait?()
    for leg in legs where leg.region.device.kind == .file {
      do throws(Errno) {
        try leg.file?.reserve(leg.region(of: sectors).sectors)
      } catch .notSupported {
        continue
      }
    }
  }
}
