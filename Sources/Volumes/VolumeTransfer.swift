public import BlockIO
public import DMIO
internal import Mirror

extension Volume {
  /// Reads bytes; fewer than asked for at the end of the volume, none behind it.
  ///
  /// - Parameters:
  ///   - buffer: page aligned and ``paddedByteCount(_:)`` bytes long; the result lies in it.
  /// - Returns: the bytes, somewhere in `buffer`: at its start unless `byteOffset` is ragged.
  /// - Throws: the errno of the last leg, when no leg could serve.
  public func read(
    at byteOffset: UInt64, byteCount wanted: Int, into buffer: UnsafeMutableRawPointer,
    on lane: IOLane
  ) throws(Errno) -> UnsafeRawBufferPointer {
    guard byteOffset < byteCount, wanted > 0 else {
      return unsafe UnsafeRawBufferPointer(start: buffer, count: 0)
    }
    let count = min(UInt64(wanted), byteCount - byteOffset)
    let part = blocks(of: byteOffset..<byteOffset + count)
    try mirror.patiently(on: lane) { () throws(Errno) in
      try mirror.reading(part, on: lane) { (held) throws(Errno) in
        try unsafe held.read(part, into: buffer)
      }
    }
    return unsafe UnsafeRawBufferPointer(
      start: buffer + Int(byteOffset - part.first.byteOffset), count: Int(count))
  }

  /// Writes bytes; fewer than given when the volume ends first (rule F3).
  ///
  /// - Parameters:
  ///   - payload: page aligned; must not change until the call returns.
  ///   - scratch: page aligned and ``paddedByteCount(_:)`` bytes long; for ragged edges (rule F4).
  /// - Returns: how many bytes were written: at least one.
  /// - Throws: ENOSPC at or behind the end, EROFS, else as `HeldRange.write`.
  public func write(
    _ payload: UnsafeRawBufferPointer, at byteOffset: UInt64, scratch: UnsafeMutableRawPointer,
    on lane: IOLane
  ) throws(Errno) -> Int {
    try checkWritable()
    guard let start = payload.baseAddress, payload.count > 0 else { return 0 }
    guard byteOffset < byteCount else { throw .noSpace }
    let count = min(UInt64(payload.count), byteCount - byteOffset)
    let bytes = byteOffset..<byteOffset + count
    let part = blocks(of: bytes)
    try mirror.patiently(on: lane) { () throws(Errno) in
      try mirror.changing(part, on: lane) { (held) throws(Errno) in
        if part.count.byteCount == count {
          try unsafe held.write(part, from: start)
          return
        }
        try unsafe readEdges(of: bytes, in: part, into: scratch, held)
        let place = unsafe scratch + Int(byteOffset - part.first.byteOffset)
        unsafe place.copyMemory(from: start, byteCount: Int(count))
        try unsafe held.write(part, from: scratch)
      }
    }
    clock.noteWrite()
    return Int(count)
  }

  /// Reads the first and last block of `part` where `bytes` cover them only partly.
  private func readEdges(
    of bytes: Range<UInt64>, in part: SectorRange, into scratch: UnsafeMutableRawPointer,
    _ held: borrowing HeldRange
  ) throws(Errno) {
    let blockSectorCount = SectorCount(block / UInt64(sectorByteCount))
    let isHeadRagged = bytes.lowerBound != part.first.byteOffset
    if isHeadRagged {
      try unsafe held.read(SectorRange(first: part.first, count: blockSectorCount), into: scratch)
    }
    let isOneBlock = part.count == blockSectorCount
    if bytes.upperBound != part.end.byteOffset, !(isOneBlock && isHeadRagged) {
      let last = SectorRange(
        first: Sector(part.end.rawValue - blockSectorCount.rawValue), count: blockSectorCount)
      let place = unsafe scratch + Int(last.first.byteOffset - part.first.byteOffset)
      try unsafe held.read(last, into: place)
    }
  }
}
