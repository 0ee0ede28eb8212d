internal import BlockIO
internal import Glibc

/// How a volume is divided into chunks, and chunks into pages of the map.
struct IntentGeometry: Sendable {
  let sectorCount: UInt64
  /// Sectors of a chunk.
  let chunk: UInt64

  var chunkCount: Int { Int((sectorCount + chunk - 1) / chunk) }
  var pageCount: Int {
    (chunkCount + IntentPage.bitByteCount * 8 - 1) / (IntentPage.bitByteCount * 8)
  }

  func chunks(of range: SectorRange) -> Range<Int> {
    Int(range.first.rawValue / chunk)..<Int((range.end.rawValue + chunk - 1) / chunk)
  }

  func sectors(ofChunks chunks: Range<Int>) -> SectorRange {
    SectorRange(
      Sector(UInt64(chunks.lowerBound) * chunk),
      upTo: Sector(min(sectorCount, UInt64(chunks.upperBound) * chunk)))
  }
}

/// One page of the map: what a disk writes as a whole or not at all.
enum IntentPage {
  static let byteCount = 512
  /// Bytes of bits; before them the page's number, behind them padding and the checksum.
  static let bitByteCount = 496
  static let magic: [UInt8] = Array("MIRRORIM".utf8)
  static let version: UInt32 = 1

  /// Page 0 of the file.
  static func header(_ geometry: IntentGeometry) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(magic)
    writer.put(version)
    writer.put(UInt32(0))
    writer.put(geometry.sectorCount)
    writer.put(geometry.chunk)
    return sealed(writer, geometry)
  }

  static func encode(_ bits: [UInt8], number: Int, _ geometry: IntentGeometry) -> [UInt8] {
    var writer = ByteWriter()
    writer.put(UInt64(number))
    writer.append(bits)
    return sealed(writer, geometry)
  }

  /// The bits of a page; nil when it is not what was written.
  static func decode(_ page: ArraySlice<UInt8>, number: Int, _ geometry: IntentGeometry)
    -> ArraySlice<UInt8>?
  {
    let start = page.startIndex
    let bits = page[(start + 8)..<(start + 8 + bitByteCount)]
    return encode(Array(bits), number: number, geometry).elementsEqual(page) ? bits : nil
  }

  private static func sealed(_ writer: ByteWriter, _ geometry: IntentGeometry) -> [UInt8] {
    var page = writer
    page.append([UInt8](repeating: 0, count: byteCount - 4 - page.bytes.count))
    // Pages of a map of another volume or chunk size are none of this one.
    var seed = ByteWriter()
    seed.put(geometry.sectorCount)
    seed.put(geometry.chunk)
    page.put(CRC32C.checksum(page.bytes, seed: CRC32C.checksum(seed.bytes)))
    return page.bytes
  }
}

/// The file of an intent map.
struct IntentFile {
  let descriptor: CInt
  let path: String
  let geometry: IntentGeometry

  struct Contents {
    var isNew = false
    var damage: String?
    /// Ranges of chunks, rising.
    var marked: [Range<Int>] = []
  }

  /// What the file says; what it cannot say is marked.
  func read() throws(Errno) -> Contents {
    var contents = Contents()
    let byteCount = (1 + geometry.pageCount) * IntentPage.byteCount
    let bytes = try readAll(upTo: byteCount + 1)
    if bytes.isEmpty {
      contents.isNew = true
      return contents
    }
    guard bytes.count == byteCount,
      bytes[..<IntentPage.byteCount].elementsEqual(IntentPage.header(geometry))
    else {
      contents.damage = "its header or length is not that of this volume"
      contents.marked = [0..<geometry.chunkCount]
      return contents
    }
    for page in 0..<geometry.pageCount {
      let start = (1 + page) * IntentPage.byteCount
      let first = page * IntentPage.bitByteCount * 8
      let end = min(geometry.chunkCount, first + IntentPage.bitByteCount * 8)
      guard
        let bits = IntentPage.decode(
          bytes[start..<start + IntentPage.byteCount], number: page, geometry)
      else {
        contents.damage = "page \(page) has a wrong checksum"
        contents.marked.append(first..<end)
        continue
      }
      for chunk in first..<end {
        let place = chunk - first
        if bits[bits.startIndex + place / 8] & (1 << UInt8(place % 8)) == 0 { continue }
        if let last = contents.marked.last, last.upperBound == chunk {
          contents.marked[contents.marked.count - 1] = last.lowerBound..<chunk + 1
        } else {
          contents.marked.append(chunk..<chunk + 1)
        }
      }
    }
    return contents
  }

  /// Writes the whole file anew, durably.
  func writeAll(_ bits: (Int) -> [UInt8]) throws(Errno) {
    var bytes = IntentPage.header(geometry)
    for page in 0..<geometry.pageCount {
      bytes += IntentPage.encode(bits(page), number: page, geometry)
    }
    try write(bytes, at: 0)
    guard ftruncate(descriptor, off_t(bytes.count)) == 0 else { throw Errno.last }
    StateTrace.note(.resized(path: path, byteCount: bytes.count))
    try sync()
  }

  func sync() throws(Errno) {
    guard fdatasync(descriptor) == 0 else { throw Errno.last }
    StateTrace.note(.synced(path: path))
  }

  func write(page: Int, _ bits: [UInt8]) throws(Errno) {
    try write(
      IntentPage.encode(bits, number: page, geometry), at: (1 + page) * IntentPage.byteCount)
  }

  private func write(_ bytes: [UInt8], at start: Int) throws(Errno) {
    var done = 0
    while done < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { bytes in
        let place = unsafe bytes.baseAddress.map { unsafe $0 + done }
        return unsafe pwrite(descriptor, place, bytes.count - done, off_t(start + done))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw count == 0 ? .noSpace : Errno.last }
      done += count
    }
    StateTrace.note(.wrote(path: path, offset: start, bytes: bytes))
  }

  private func readAll(upTo mostByteCount: Int) throws(Errno) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: mostByteCount)
    var done = 0
    while done < mostByteCount {
      let count = unsafe bytes.withUnsafeMutableBytes { bytes in
        let place = unsafe bytes.baseAddress.map { unsafe $0 + done }
        return unsafe pread(descriptor, place, mostByteCount - done, off_t(done))
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw Errno.last }
      if count == 0 { break }
      done += count
    }
    return Array(bytes[..<done])
  }
}
