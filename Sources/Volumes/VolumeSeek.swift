public import BlockIO
internal import Mirror

extension Volume {
  /// The next data, or the next hole, at or behind `byteOffset` (SEEK_DATA, SEEK_HOLE).
  ///
  /// Holes are those of a file leg that is in sync everywhere. While the kernel may hold newer data
  /// there are none: it asks here without writing its dirty pages first, and a copy must not skip
  /// them.
  /// - Throws: ENXIO behind the end, or when only a hole is left to look for data in.
  public func seek(toHole: Bool, from byteOffset: UInt64) throws(Errno) -> UInt64 {
    guard byteOffset < byteCount else { throw .noSuchAddress }
    // What was cut off a leg's file looks like a hole, and a copy would skip it.
    mirror.checkSizes()
    guard !mayBeDirty, let leg = mirror.legWithHoles() else {
      return toHole ? byteCount : byteOffset
    }
    let start = leg.region.sectors.first.byteOffset
    guard let found = leg.file?.seek(toHole: toHole, from: start + byteOffset) else {
      if toHole { return byteCount }
      throw .noSuchAddress
    }
    let place = found - start
    if place < byteCount { return place }
    if toHole { return byteCount }
    throw .noSuchAddress
  }
}
