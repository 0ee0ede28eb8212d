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

  /// What a header says; nil when it is not one.
  static func geometry(ofHeader page: [UInt8]) -> IntentGeometry? {
    guard page.count == byteCount else { return nil }
    func number(at offset: Int) -> UInt64 {
      (0..<8).reduce(0) { $0 | UInt64(page[offset + $1]) << UInt64($1 * 8) }
    }
    let said = IntentGeometry(sectorCount: number(at: 16), chunk: number(at: 24))
    return said.chunk > 0 && header(said) == page ? said : nil
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

/// The file of an intent map: open while it is read or written, so that volumes at rest hold none.
///
/// A chunk is marked once for many writes, and a mark waits for the disk anyway.
struct IntentFile {
  let path: String
  let geometry: IntentGeometry

  struct Contents {
    /// Whether the file has to be written anew, as a whole.
    var isNew = false
    var isOfOtherChunks = false
    var damage: String?
    /// What is marked, rising.
    var dirty: [SectorRange] = []
  }

  /// What the file says, which is made if need be; what it cannot say is dirty.
  func read() throws(Errno) -> Contents {
    let file = try OpenFile(path, O_RDWR | O_CREAT)
    var contents = Contents()
    let head = try file.readAll(upTo: IntentPage.byteCount)
    if head.isEmpty {
      contents.isNew = true
      return contents
    }
    // The chunks may be others than in the config now.
    guard let written = IntentPage.geometry(ofHeader: head),
      written.sectorCount == geometry.sectorCount,
      case let byteCount = (1 + written.pageCount) * IntentPage.byteCount,
      case let bytes = try file.readAll(upTo: byteCount + 1), bytes.count == byteCount
    else {
      contents.damage = "its header or length is not that of this volume"
      contents.dirty = [geometry.sectors(ofChunks: 0..<geometry.chunkCount)]
      return contents
    }
    contents.isOfOtherChunks = written.chunk != geometry.chunk
    for page in 0..<written.pageCount {
      let start = (1 + page) * IntentPage.byteCount
      let first = page * IntentPage.bitByteCount * 8
      let end = min(written.chunkCount, first + IntentPage.bitByteCount * 8)
      guard
        let bits = IntentPage.decode(
          bytes[start..<start + IntentPage.byteCount], number: page, written)
      else {
        contents.damage = "page \(page) has a wrong checksum"
        contents.dirty.append(written.sectors(ofChunks: first..<end))
        continue
      }
      for chunk in first..<end {
        let place = chunk - first
        if bits[bits.startIndex + place / 8] & (1 << UInt8(place % 8)) == 0 { continue }
        let sectors = written.sectors(ofChunks: chunk..<chunk + 1)
        if let last = contents.dirty.last, last.end == sectors.first {
          contents.dirty[contents.dirty.count - 1] = SectorRange(last.first, upTo: sectors.end)
        } else {
          contents.dirty.append(sectors)
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
    let file = try OpenFile(path, O_RDWR)
    try file.write(bytes, at: 0)
    try file.resize(to: bytes.count)
    try file.sync()
  }

  /// Brings what was written to the disk.
  func sync() throws(Errno) { try OpenFile(path, O_RDWR).sync() }

  /// - Parameter isDurable: whether the pages are on the disk when this returns.
  func write(_ pages: [(number: Int, bits: [UInt8])], isDurable: Bool) throws(Errno) {
    // Not made anew: a file that is gone holds no marks, and then nothing may be written.
    let file = try OpenFile(path, O_RDWR)
    for page in pages {
      try file.write(
        IntentPage.encode(page.bits, number: page.number, geometry),
        at: (1 + page.number) * IntentPage.byteCount)
    }
    if isDurable { try file.sync() }
  }
}

/// The file of a map while it is open.
private struct OpenFile: ~Copyable {
  let path: String
  let descriptor: CInt

  init(_ path: String, _ flags: CInt) throws(Errno) {
    self.path = path
    descriptor = unsafe open(path, flags | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Errno.last }
  }

  deinit { close(descriptor) }

  borrowing func resize(to byteCount: Int) throws(Errno) {
    guard ftruncate(descriptor, off_t(byteCount)) == 0 else { throw Errno.last }
    let path = path
    StateTrace.note(.resized(path: path, byteCount: byteCount))
  }

  borrowing func sync() throws(Errno) {
    guard fdatasync(descriptor) == 0 else { throw Errno.last }
    let path = path
    StateTrace.note(.synced(path: path))
  }

  borrowing func write(_ bytes: [UInt8], at start: Int) throws(Errno) {
    let (path, descriptor) = (path, descriptor)
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

  borrowing func readAll(upTo mostByteCount: Int) throws(Errno) -> [UInt8] {
    let descriptor = descriptor
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
