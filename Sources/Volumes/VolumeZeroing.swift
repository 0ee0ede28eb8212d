public import BlockIO
public import DMIO
internal import Mirror

extension Volume {
  /// Truncates to `newByteCount`: what is cut off reads as zeroes, the size stays (rule F2).
  ///
  /// - Throws: EFBIG for more than the size, EPERM where the policy refuses, EROFS, else as
  ///   a write.
  public func truncate(to newByteCount: UInt64, on lane: IOLane) throws(Errno) {
    guard newByteCount <= byteCount else { throw .fileTooBig }
    try checkWritable()
    if newByteCount == byteCount { return }
    switch truncatePolicy {
    case .ignore: return
    case .refuse: throw .notPermitted
    case .zero: try zero(newByteCount..<byteCount, keepsSpace: false, on: lane)
    }
  }

  /// Makes bytes read as zeroes: punch-hole, or zero-range when `keepsSpace` (rule M15).
  ///
  /// What lies behind the end is passed over.
  /// - Throws: EROFS, else as a write.
  public func zero(_ wanted: Range<UInt64>, keepsSpace: Bool, on lane: IOLane) throws(Errno) {
    try checkWritable()
    let bytes = wanted.clamped(to: 0..<byteCount)
    guard !bytes.isEmpty else { return }
    let part = blocks(of: bytes)
    try mirror.patiently(on: lane) { () throws(Errno) in
      try mirror.changing(part, on: lane) { (held) throws(Errno) in
        try zero(bytes, held, keepsSpace: keepsSpace)
      }
    }
    clock.noteWrite()
  }

  private func zero(
    _ bytes: Range<UInt64>, _ held: borrowing HeldRange, keepsSpace: Bool
  ) throws(Errno) {
    let innerStart = (bytes.lowerBound + block - 1) / block * block
    let innerEnd = bytes.upperBound / block * block
    guard innerStart <= innerEnd else {
      try clear(bytes, held)
      return
    }
    try clear(bytes.lowerBound..<innerStart, held)
    if innerStart < innerEnd {
      try held.zero(sectors(innerStart..<innerEnd), keepsSpace: keepsSpace)
    }
    try clear(innerEnd..<bytes.upperBound, held)
  }

  /// Zeroes a part of one block, by reading and writing it.
  private func clear(_ bytes: Range<UInt64>, _ held: borrowing HeldRange) throws(Errno) {
    guard !bytes.isEmpty else { return }
    while true {
      do throws(Errno) {
        return try clearOnce(bytes, held)
      } catch .restart {
        continue
      }
    }
  }

  private func clearOnce(_ bytes: Range<UInt64>, _ held: borrowing HeldRange) throws(Errno) {
    let part = blocks(of: bytes)
    let start = UnsafeMutableRawPointer.allocate(
      byteCount: Int(part.count.byteCount), alignment: Self.mostBlock)
    // A leg that is late may still use it.
    defer { held.afterLateRequests { unsafe start.deallocate() } }
    try unsafe held.read(part, into: start)
    let place = unsafe start + Int(bytes.lowerBound - part.first.byteOffset)
    unsafe place.initializeMemory(as: UInt8.self, repeating: 0, count: bytes.count)
    try unsafe held.write(part, from: start)
  }
}

/// What fallocate(2) may ask of a volume.
public enum AllocateMode: Sendable {
  /// Reserves space; a fixed size means that there is nothing to grow.
  case reserve(keepsSize: Bool)
  /// Reads as zeroes, space stays reserved.
  case zero(keepsSize: Bool)
  /// Reads as zeroes, space is given back.
  case punchHole
}

extension Volume {
  /// Carries out an fallocate(2) request.
  ///
  /// - Throws: EFBIG where the size would have to grow, EROFS, else as a write.
  public func allocate(
    _ mode: AllocateMode, _ bytes: Range<UInt64>, on lane: IOLane
  ) throws(Errno) {
    try checkWritable()
    let isWithin = bytes.upperBound <= byteCount
    switch mode {
    case .reserve(let keepsSize):
      guard isWithin || keepsSize else { throw .fileTooBig }
      let within = bytes.clamped(to: 0..<byteCount)
      if !within.isEmpty { try mirror.reserve(blocks(of: within), on: lane) }
    case .zero(let keepsSize):
      guard isWithin || keepsSize else { throw .fileTooBig }
      try zero(bytes, keepsSpace: true, on: lane)
    case .punchHole:
      try zero(bytes, keepsSpace: false, on: lane)
    }
  }
}
