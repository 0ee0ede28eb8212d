internal import BlockIO
internal import Glibc
internal import Synchronization

/// The write-intent map of a volume: the chunks that legs may hold differently after a crash
/// (rule M9; the kernel's dirty region log).
///
/// A mark is on disk before it counts, and a mark too many is harmless; so marks are waited for,
/// and their clearing is not. docs/STATE.md has the file byte by byte.
@safe final class IntentMap: @unchecked Sendable {
  // Sendable: the words are atomics, all else is behind `line`. Safe: the words are made in init,
  // freed in deinit, and every index is checked against `chunkCount` by its caller in here.

  enum Safety: Sendable {
    /// Survives a loss of power.
    case durable
    /// Survives the end of the process: no fdatasync.
    case process
  }

  /// Chunks that are marked ahead of a writer that goes on where it was: one wait for all of them.
  private static let aheadCount = 8
  private static let bitsPerPage = IntentPage.bitByteCount * 8

  private struct Line {
    /// Chunks whose mark somebody waits for; as ranges, because a punch may go over a whole volume.
    var wanted: [Range<Int>] = []
    /// Whether somebody is writing pages.
    var isBusy = false
    /// Rounds of writing marks, counted from 1: begun, and ended.
    var begun: UInt64 = 0
    var ended: UInt64 = 0
    var lastFailed: UInt64 = 0
    var failure: Errno?
  }

  /// What the file said: marked chunks, and all of which it could not say anything.
  let dirtyAtOpen: RangeSet
  /// What is wrong with the file; nil when nothing is.
  let damage: String?
  private let file: IntentFile
  private let geometry: IntentGeometry
  private let safety: Safety
  private let marks: UnsafeMutablePointer<Atomic<UInt64>>
  private let touches: UnsafeMutablePointer<Atomic<UInt64>>
  private let wordCount: Int
  private let markTotal = Atomic<Int>(0)
  private let line = ConditionLock(Line())

  /// Opens the map, or makes it; what is dirty stays marked.
  ///
  /// - Throws: the errno of the file.
  init(path: String, sectorCount: SectorCount, chunk: SectorCount, safety: Safety) throws(Errno) {
    geometry = IntentGeometry(sectorCount: sectorCount.rawValue, chunk: chunk.rawValue)
    self.safety = safety
    file = IntentFile(path: path, geometry: geometry)
    let found = try file.read()
    damage = found.damage
    wordCount = geometry.pageCount * Self.bitsPerPage / 64
    unsafe marks = .allocate(capacity: wordCount)
    unsafe touches = .allocate(capacity: wordCount)
    for index in 0..<wordCount {
      unsafe (marks + index).initialize(to: Atomic(0))
      unsafe (touches + index).initialize(to: Atomic(0))
    }
    var dirty = RangeSet(bound: 1 << 16)
    for range in found.dirty { dirty.insert(range) }
    dirtyAtOpen = dirty
    for range in found.dirty { for chunk in geometry.chunks(of: range) { _ = setMark(chunk) } }
    guard found.isNew || found.isOfOtherChunks || found.damage != nil else { return }
    if found.isNew { StateTrace.note(.emptied(path: path)) }
    try file.writeAll { bits(ofPage: $0) }
  }

  deinit {
    unsafe marks.deinitialize(count: wordCount)
    unsafe touches.deinitialize(count: wordCount)
    unsafe marks.deallocate()
    unsafe touches.deallocate()
  }

  /// Chunks that are marked.
  var markedCount: Int { markTotal.load(ordering: .relaxed) }

  /// Marks the chunks of a range; they are on disk when this returns.
  ///
  /// Costs a look at a few bits when they are marked already, as nearly always. Callers that come
  /// while marks are being written share the next write.
  /// - Throws: the errno of the file; then nothing may be written to the range.
  ///
  /// - Parameter willWait: called before a wait, if there has to be one; nothing is marked when it
  ///   throws.
  func mark(
    _ range: SectorRange, willWait: () throws(Errno) -> Void = { () throws(Errno) in }
  ) throws(Errno) {
    let chunks = geometry.chunks(of: range)
    var isMarked = true
    for chunk in chunks {
      let bit = Self.bit(chunk)
      if unsafe touches[chunk / 64].load(ordering: .relaxed) & bit == 0 {
        unsafe touches[chunk / 64].bitwiseOr(bit, ordering: .relaxed)
      }
      if !hasMark(chunk) { isMarked = false }
    }
    if isMarked { return }
    try willWait()
    let isSequential = chunks.lowerBound > 0 && hasMark(chunks.lowerBound - 1)
    let end = min(
      geometry.chunkCount, chunks.upperBound + (isSequential ? Self.aheadCount : 0))
    try markOnDisk(chunks.lowerBound..<end)
  }

  private func markOnDisk(_ chunks: Range<Int>) throws(Errno) {
    let needed = line.withLock { line -> UInt64 in
      if !chunks.allSatisfy({ hasMark($0) }) { line.wanted.append(chunks) }
      return line.begun + 1
    }
    let turn = line.wait { line -> (wanted: [Range<Int>]?, failure: Errno?)? in
      if line.ended >= needed {
        return (nil, line.lastFailed >= needed ? line.failure : nil)
      }
      guard !line.isBusy else { return nil }
      line.isBusy = true
      line.begun += 1
      defer { line.wanted = [] }
      return (line.wanted, nil)
    }
    // Whose turn it is has at least one chunk to mark, or somebody has just marked it.
    guard let wanted = turn.wanted else {
      if let failure = turn.failure { throw failure }
      return
    }
    var failure: Errno?
    if !wanted.isEmpty { do throws(Errno) { try write(wanted) } catch { failure = error } }
    line.withLock { line in
      // On disk first, then in memory: who sees the mark may write at once.
      if failure == nil { for chunk in wanted.joined() { _ = setMark(chunk) } }
      line.isBusy = false
      line.ended = line.begun
      if let failure { (line.lastFailed, line.failure) = (line.ended, failure) }
    }
    line.wakeAll()
    if let failure { throw failure }
  }

  /// Writes the pages of new marks. The caller is the only one that writes pages.
  private func write(_ wanted: [Range<Int>]) throws(Errno) {
    let pages = Set(wanted.flatMap { Self.pages(of: $0) }).map { page in
      var bits = bits(ofPage: page)
      let first = page * Self.bitsPerPage
      for chunks in wanted {
        for chunk in chunks.clamped(to: first..<first + Self.bitsPerPage) {
          bits[(chunk - first) / 8] |= 1 << UInt8((chunk - first) % 8)
        }
      }
      return (page, bits)
    }
    try file.write(pages, isDurable: safety == .durable)
  }

  private static func pages(of chunks: Range<Int>) -> ClosedRange<Int> {
    chunks.lowerBound / bitsPerPage...(chunks.upperBound - 1) / bitsPerPage
  }

  /// Chunks that are marked and were not written since the last call, as ranges of sectors.
  func takeIdle() -> [SectorRange] {
    ranges { index in
      let marked = unsafe marks[index].load(ordering: .acquiring)
      guard marked != 0 else { return 0 }
      return unsafe marked & ~touches[index].exchange(0, ordering: .acquiringAndReleasing)
    }
  }

  /// The chunks whose bit is set in the word that `word` gives, as ranges of sectors of at most the
  /// chunks of a page.
  private func ranges(_ word: (Int) -> UInt64) -> [SectorRange] {
    var found: [Range<Int>] = []
    for index in 0..<wordCount {
      var left = word(index)
      while left != 0 {
        let chunk = index * 64 + left.trailingZeroBitCount
        left &= left - 1
        if let last = found.last, last.upperBound == chunk, last.count < Self.bitsPerPage {
          found[found.count - 1] = last.lowerBound..<chunk + 1
        } else {
          found.append(chunk..<chunk + 1)
        }
      }
    }
    return found.map { geometry.sectors(ofChunks: $0) }
  }

  /// Takes the marks of some chunks away. The caller holds their range, and knows that the legs are
  /// flushed and equal there.
  ///
  /// - Throws: the errno of the file: then there may be a mark too many on disk.
  func clear(_ range: SectorRange) throws(Errno) {
    let chunks = geometry.chunks(of: range)
    // Whoever writes pages is alone, so that no page of before replaces one of after.
    line.wait { line -> Void? in
      guard !line.isBusy else { return nil }
      line.isBusy = true
      return ()
    }
    for chunk in chunks where hasMark(chunk) {
      unsafe marks[chunk / 64].bitwiseAnd(~Self.bit(chunk), ordering: .releasing)
      markTotal.wrappingSubtract(1, ordering: .relaxed)
    }
    var failure: Errno?
    let pages = Self.pages(of: chunks).map { ($0, bits(ofPage: $0)) }
    do throws(Errno) { try file.write(pages, isDurable: false) } catch { failure = error }
    line.withLock { $0.isBusy = false }
    line.wakeAll()
    if let failure { throw failure }
  }

  /// The chunks that a range has a part in, one by one.
  func chunks(of range: SectorRange) -> [SectorRange] {
    geometry.chunks(of: range).map { geometry.sectors(ofChunks: $0..<$0 + 1) }
  }

  /// Marked now, as ranges of at most a few thousand chunks.
  func marked() -> [SectorRange] {
    ranges { unsafe marks[$0].load(ordering: .acquiring) }
  }

  /// Makes the file as durable as can be: at a clean stop.
  func sync() throws(Errno) { try file.sync() }

  private static func bit(_ chunk: Int) -> UInt64 { 1 << UInt64(chunk % 64) }

  private func hasMark(_ chunk: Int) -> Bool {
    unsafe marks[chunk / 64].load(ordering: .acquiring) & Self.bit(chunk) != 0
  }

  private func setMark(_ chunk: Int) -> Bool {
    let old = unsafe marks[chunk / 64].bitwiseOr(Self.bit(chunk), ordering: .releasing).oldValue
    let isNew = old & Self.bit(chunk) == 0
    if isNew { markTotal.wrappingAdd(1, ordering: .relaxed) }
    return isNew
  }

  private func bits(ofPage page: Int) -> [UInt8] {
    let first = page * Self.bitsPerPage / 64
    var bits: [UInt8] = []
    bits.reserveCapacity(IntentPage.bitByteCount)
    for index in first..<first + Self.bitsPerPage / 64 {
      let word = unsafe marks[index].load(ordering: .acquiring)
      for shift in 0..<8 { bits.append(UInt8(truncatingIfNeeded: word >> UInt64(shift * 8))) }
    }
    return bits
  }
}
