internal import BlockIO

extension SavedState {
  static let magic: [UInt8] = Array("MIRRORFS".utf8)
  static let version: UInt32 = 1
  /// Magic, version, number of records, length of the file, generation, checksum.
  static let headerByteCount = 36
  static let mostLegs = 64
  /// Most ranges of a set that are believed.
  static let mostRanges = 1 << 20
  /// Most ranges of a set that are written, beyond which they are merged into chunks: with the
  /// most legs the file is still one that is read.
  static let mostRangesWritten = 1 << 16

  /// The kinds of records.
  private enum Kind: UInt16 {
    case volume = 1
    case leg = 2
  }

  func encode() -> [UInt8] {
    var body = ByteWriter()
    append(.volume, leg: .max, encodeVolume(), to: &body)
    for (index, leg) in legs.enumerated() {
      append(.leg, leg: UInt16(index), leg.encode(), to: &body)
    }
    var file = ByteWriter()
    file.append(Self.magic)
    file.put(Self.version)
    file.put(UInt32(1 + legs.count))
    file.put(UInt64(Self.headerByteCount + body.bytes.count))
    file.put(generation)
    file.put(CRC32C.checksum(file.bytes))
    file.append(body.bytes)
    return file.bytes
  }

  /// - Throws: whatever the bytes are: a state is taken as a whole or not at all.
  init(decoding bytes: [UInt8]) throws(StateDamage) {
    var reader = ByteReader(bytes[...])
    guard let magic = try? reader.take(8), Array(magic) == Self.magic else {
      throw .notAStateFile
    }
    let version = try reader.number(UInt32.self)
    guard version == Self.version else { throw .version(version) }
    let recordCount = try reader.number(UInt32.self)
    let byteCount = try reader.number(UInt64.self)
    let generation = try reader.number(UInt64.self)
    let sum = try reader.number(UInt32.self)
    guard sum == CRC32C.checksum(bytes[..<(Self.headerByteCount - 4)]) else {
      throw .checksum(record: 0)
    }
    guard byteCount == UInt64(bytes.count), recordCount >= 2, recordCount <= Self.mostLegs + 1
    else { throw .truncated }
    let volume = try Self.record(1, .volume, leg: .max, generation, &reader)
    self = try Self.decodeVolume(volume, generation: generation)
    for index in 0..<Int(recordCount) - 1 {
      let payload = try Self.record(index + 2, .leg, leg: UInt16(index), generation, &reader)
      legs.append(try SavedLeg(decoding: payload, sectorCount: sectorCount))
    }
    guard reader.leftCount == 0 else { throw .contents("bytes behind the last record") }
    if let source = scrub?.source, source >= legs.count { throw .contents("a scrub from no leg") }
  }

  /// A record: kind, leg, length, contents, checksum; the checksum covers the generation, too, so
  /// that a record of an older file is not taken for one of this.
  private func append(_ kind: Kind, leg: UInt16, _ payload: [UInt8], to body: inout ByteWriter) {
    var record = ByteWriter()
    record.put(kind.rawValue)
    record.put(leg)
    record.put(UInt32(payload.count))
    record.append(payload)
    record.put(Self.checksum(record.bytes[...], generation))
    body.append(record.bytes)
  }

  private static func record(
    _ number: Int, _ kind: Kind, leg: UInt16, _ generation: UInt64, _ reader: inout ByteReader
  ) throws(StateDamage) -> ArraySlice<UInt8> {
    let head = try reader.take(8)
    var fields = ByteReader(head)
    let (foundKind, foundLeg) = (try fields.number(UInt16.self), try fields.number(UInt16.self))
    let payload = try reader.take(Int(try fields.number(UInt32.self)))
    let sum = try reader.number(UInt32.self)
    guard sum == checksum(head + payload, generation) else { throw .checksum(record: number) }
    guard foundKind == kind.rawValue, foundLeg == leg else {
      throw .contents("record \(number) is of another kind")
    }
    return payload
  }

  private static func checksum(_ bytes: ArraySlice<UInt8>, _ generation: UInt64) -> UInt32 {
    var seed = ByteWriter()
    seed.put(generation)
    return CRC32C.checksum(bytes, seed: CRC32C.checksum(seed.bytes))
  }

  private func encodeVolume() -> [UInt8] {
    var writer = ByteWriter()
    writer.put(volume)
    writer.put(sectorCount)
    writer.put(isClean)
    writer.put(errorBitsSeen.rawValue)
    writer.put(errorBitsLast.rawValue)
    for ranges in [unverified, disputed, unserved] { writer.put(ranges) }
    // One that has just come to its end is over.
    let scrub = scrub.flatMap { $0.position < $0.endSector ? $0 : nil }
    writer.put(scrub != nil)
    if let scrub {
      writer.put(scrub.firstSector)
      writer.put(scrub.endSector)
      writer.put(scrub.position)
      writer.put(scrub.isRepair)
      writer.put(UInt16(scrub.source ?? Int(UInt16.max)))
    }
    return writer.bytes
  }

  private static func decodeVolume(
    _ payload: ArraySlice<UInt8>, generation: UInt64
  ) throws(StateDamage) -> SavedState {
    var reader = ByteReader(payload)
    let volume = try reader.text()
    let sectorCount = try reader.number(UInt64.self)
    guard sectorCount > 0, sectorCount <= .max / UInt64(sectorByteCount) else {
      throw .contents("a volume of no size")
    }
    var state = SavedState(
      volume: volume, sectorCount: sectorCount, generation: generation,
      isClean: try reader.flag(), errorBitsSeen: LegBits(rawValue: try reader.number(UInt64.self)),
      errorBitsLast: LegBits(rawValue: try reader.number(UInt64.self)),
      unverified: try reader.ranges(within: sectorCount),
      disputed: try reader.ranges(within: sectorCount),
      unserved: try reader.ranges(within: sectorCount), scrub: nil, legs: [])
    if try reader.flag() {
      let first = try reader.number(UInt64.self)
      let end = try reader.number(UInt64.self)
      let position = try reader.number(UInt64.self)
      let isRepair = try reader.flag()
      let source = try reader.number(UInt16.self)
      guard first <= position, position < end, end <= sectorCount else {
        throw .contents("a scrub outside the volume")
      }
      state.scrub = SavedScrub(
        firstSector: first, endSector: end, position: position, isRepair: isRepair,
        source: source == .max ? nil : Int(source))
    }
    guard reader.leftCount == 0 else { throw .contents("a record that is too long") }
    return state
  }
}

extension SavedLeg {
  func encode() -> [UInt8] {
    var writer = ByteWriter()
    writer.put(identity.path)
    writer.put(identity.isBlockDevice)
    for number in [identity.capacity, identity.firstSector, identity.inode] { writer.put(number) }
    writer.put(identity.modifiedSeconds)
    writer.put(identity.modifiedNanoseconds)
    writer.put(isOut)
    writer.put(isHeld)
    writer.put(causes.rawValue)
    for count in [counters.read, counters.write, counters.flush, counters.corrected] {
      writer.put(UInt64(count))
    }
    writer.put(lastError != nil)
    if let lastError {
      writer.put(lastError.error.rawValue)
      writer.put(lastError.operation.stateNumber)
      writer.put(lastError.sectors.first.rawValue)
      writer.put(lastError.sectors.count.rawValue)
      writer.put(Int64(lastError.time))
    }
    for ranges in [stale, unwritten, unreadable] { writer.put(ranges) }
    writer.put(standsFor ?? "")
    writer.put(isReplacing)
    return writer.bytes
  }

  init(decoding payload: ArraySlice<UInt8>, sectorCount: UInt64) throws(StateDamage) {
    var reader = ByteReader(payload)
    identity = LegIdentity(
      path: try reader.text(), isBlockDevice: try reader.flag(),
      capacity: try reader.number(UInt64.self), firstSector: try reader.number(UInt64.self),
      inode: try reader.number(UInt64.self), modifiedSeconds: try reader.number(Int64.self),
      modifiedNanoseconds: try reader.number(UInt32.self))
    isOut = try reader.flag()
    isHeld = try reader.flag()
    causes = LegRecord.Causes(rawValue: try reader.number(UInt8.self))
    guard LegRecord.Causes.all.isSuperset(of: causes) else {
      throw .contents("a cause that there is none of")
    }
    counters = LegCounters()
    counters.read = try reader.count()
    counters.write = try reader.count()
    counters.flush = try reader.count()
    counters.corrected = try reader.count()
    lastError = nil
    if try reader.flag() {
      let number = try reader.number(CInt.self)
      guard let operation = Operation(stateNumber: try reader.number(UInt8.self)) else {
        throw .contents("an operation that there is none of")
      }
      let first = try reader.number(UInt64.self)
      let count = try reader.number(UInt64.self)
      let time = try reader.number(Int64.self)
      guard first <= sectorCount, count <= sectorCount - first else {
        throw .contents("an error outside the volume")
      }
      lastError = LegError(
        error: Errno(number), operation: operation,
        sectors: SectorRange(first: Sector(first), count: SectorCount(count)), time: Int(time))
    }
    stale = try reader.ranges(within: sectorCount)
    unwritten = try reader.ranges(within: sectorCount)
    unreadable = try reader.ranges(within: sectorCount)
    let path = try reader.text()
    standsFor = path.isEmpty ? nil : path
    isReplacing = try reader.flag()
    guard standsFor != nil || !isReplacing else { throw .contents("a leg that replaces none") }
    guard reader.leftCount == 0 else { throw .contents("a record that is too long") }
  }
}

extension ByteWriter {
  /// Their number, then first sector and sector count of each.
  mutating func put(_ exact: [SectorRange]) {
    var ranges = exact
    if exact.count > SavedState.mostRangesWritten {
      var merged = RangeSet(bound: SavedState.mostRangesWritten)
      for range in exact { merged.insert(range) }
      ranges = merged.ranges
    }
    put(UInt32(ranges.count))
    for range in ranges {
      put(range.first.rawValue)
      put(range.count.rawValue)
    }
  }
}

extension ByteReader {
  /// Ranges that rise, do not overlap and lie in the volume.
  mutating func ranges(within sectorCount: UInt64) throws(StateDamage) -> [SectorRange] {
    let count = try number(UInt32.self)
    guard count <= SavedState.mostRanges, Int(count) * 16 <= leftCount else { throw .truncated }
    var ranges: [SectorRange] = []
    ranges.reserveCapacity(Int(count))
    var end: UInt64 = 0
    for _ in 0..<count {
      let first = try number(UInt64.self)
      let length = try number(UInt64.self)
      guard first >= end, length > 0, first <= sectorCount, length <= sectorCount - first else {
        throw .contents("ranges that overlap or lie outside the volume")
      }
      end = first + length
      ranges.append(SectorRange(first: Sector(first), count: SectorCount(length)))
    }
    return ranges
  }

  mutating func count() throws(StateDamage) -> Int {
    let value = try number(UInt64.self)
    guard let count = Int(exactly: value) else { throw .contents("a count that is too large") }
    return count
  }
}

extension Operation {
  /// Its number in a state file; never changed.
  var stateNumber: UInt8 {
    switch self {
    case .read: 1
    case .write: 2
    case .writeThrough: 3
    case .flush: 4
    case .discard: 5
    case .writeZeroes: 6
    case .writeZeroesReserved: 7
    }
  }

  init?(stateNumber: UInt8) {
    let all: [Operation] = [
      .read, .write, .writeThrough, .flush, .discard, .writeZeroes, .writeZeroesReserved,
    ]
    guard let found = all.first(where: { $0.stateNumber == stateNumber }) else { return nil }
    self = found
  }
}
