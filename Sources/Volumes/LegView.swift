public import BlockIO
public import DMIO
internal import Mirror

extension Volume {
  /// Legs now, counting one that is to replace another.
  public var legCount: Int { mirror.legs.count }

  /// Reads bytes of one leg as they are there, stale or not (rule F8): no other leg is asked, and
  /// nobody writes the sectors meanwhile.
  ///
  /// - Parameters and result: as of ``read(at:byteCount:into:on:)``.
  /// - Throws: the leg's errno; ENOENT for a leg that there is none of.
  public func readLeg(
    _ index: Int, at byteOffset: UInt64, byteCount wanted: Int,
    into buffer: UnsafeMutableRawPointer, on lane: IOLane
  ) throws(Errno) -> UnsafeRawBufferPointer {
    guard byteOffset < byteCount, wanted > 0 else {
      return unsafe UnsafeRawBufferPointer(start: buffer, count: 0)
    }
    let count = min(UInt64(wanted), byteCount - byteOffset)
    let part = blocks(of: byteOffset..<byteOffset + count)
    try mirror.reading(part, on: lane) { (held) throws(Errno) in
      try unsafe held.read(part, ofLeg: index, into: buffer)
    }
    return unsafe UnsafeRawBufferPointer(
      start: buffer + Int(byteOffset - part.first.byteOffset), count: Int(count))
  }
}
