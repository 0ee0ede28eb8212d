internal import BlockIO

/// One copy on its way, piece by piece, driven by the ends of its reads and writes.
@safe final class CopyJob: Sendable {
  // Safe: a piece's memory is the job's from the grant to `endPiece`.
  private struct State {
    /// Sectors from the start whose pieces have begun.
    var begun: UInt64 = 0
    /// Pieces that were asked for, wait for the throttle or memory, or are under way.
    var pieceCount = 0
    var isStopped = false
    /// The first sector of the source that some destination lacks.
    var firstGap: UInt64 = .max
    var result = CopyResult()
  }

  /// Where the pieces come from.
  enum Source {
    case region(Region)
    /// Nowhere: so many sectors are zero.
    case zeroes(SectorCount)
  }

  private let owner: CopyClient
  private let source: Source
  private let destinations: [Region]
  private let ignoresErrors: Bool
  private let notify: @Sendable (CopyResult) -> Void
  private let pieceSectors: UInt64
  private let state = ConditionLock(State())

  init(
    _ owner: CopyClient, from source: Source, to destinations: [Region], ignoresErrors: Bool,
    notify: @escaping @Sendable (CopyResult) -> Void
  ) {
    self.owner = owner
    self.source = source
    self.destinations = destinations
    self.ignoresErrors = ignoresErrors
    self.notify = notify
    pieceSectors = UInt64(owner.memory.pieceByteCount / sectorByteCount)
  }

  private var sectorCount: UInt64 {
    switch source {
    case .region(let region): region.sectors.count.rawValue
    case .zeroes(let count): count.rawValue
    }
  }

  /// Asks for as many pieces as there can be.
  func begin() {
    let hasTarget = destinations.contains { !$0.sectors.isEmpty }
    let needed = hasTarget ? (sectorCount + pieceSectors - 1) / pieceSectors : 0
    let count = Int(min(needed, UInt64(owner.memory.pieceCount)))
    // One more, held by this call: a piece that ends at once does not end the job.
    state.withLock { $0.pieceCount = count + 1 }
    for _ in 0..<count { askForPiece() }
    leave()
  }

  private func askForPiece() {
    let left = state.withLock { min(sectorCount - min($0.begun, sectorCount), pieceSectors) }
    guard let throttle = owner.throttle, left > 0 else { return takeMemory() }
    throttle(SectorCount(left)) { [self] in takeMemory() }
  }

  private func takeMemory() { owner.memory.take { [self] piece in read(into: piece) } }

  /// Reads the next piece, if there is one, or makes it zeroes.
  private func read(into piece: Int) {
    let range = state.withLock { state -> SectorRange? in
      guard !state.isStopped, state.begun < sectorCount else { return nil }
      let count = min(pieceSectors, sectorCount - state.begun)
      defer { state.begun += count }
      return SectorRange(first: Sector(state.begun), count: SectorCount(count))
    }
    guard let range else {
      owner.memory.giveBack(piece)
      return leave()
    }
    guard case .region(let region) = source else {
      unsafe owner.memory.piece(piece).initializeMemory(as: UInt8.self, repeating: 0)
      return write(range, from: piece)
    }
    request(.read, [part(region, range)], piece) { [self] result in
      if let error = result.error(region: 0) {
        fail(range) { $0.readError = $0.readError ?? error }
        endPiece(piece)
      } else {
        write(range, from: piece)
      }
    }
  }

  private func write(_ range: SectorRange, from piece: Int) {
    request(.write, destinations.map { part($0, range) }, piece) { [self] result in
      if !result.isSuccess {
        fail(range) { copy in
          for failure in result.failures
          where !copy.writeErrorBits.contains(index: failure.regionIndex) {
            copy.failures.append(failure)
          }
          copy.failures.sort { $0.regionIndex < $1.regionIndex }
          copy.writeErrorBits.formUnion(result.errorBits)
        }
      }
      endPiece(piece)
    }
  }

  /// The part of a region that a range of the copy falls on; of an empty region, nothing.
  private func part(_ region: Region, _ range: SectorRange) -> Region {
    if region.sectors.isEmpty { return region }
    let first = region.sectors.first + SectorCount(range.first.rawValue)
    return Region(device: region.device, sectors: SectorRange(first: first, count: range.count))
  }

  private func request(
    _ operation: Operation, _ regions: [Region], _ piece: Int,
    notify: @escaping @Sendable (IOResult) -> Void
  ) {
    let lists = unsafe RequestLists(
      regions: regions, memory: .contiguous(owner.memory.piece(piece)))
    owner.client.enqueue(lists.request(operation)) { result in
      guard let result = withExtendedLifetime(lists, { result }) else {
        preconditionFailure("the copy client keeps its pool")
      }
      notify(result)
    }
  }

  private func fail(_ range: SectorRange, _ note: (inout CopyResult) -> Void) {
    state.withLock { state in
      note(&state.result)
      state.firstGap = min(state.firstGap, range.first.rawValue)
      if !ignoresErrors { state.isStopped = true }
    }
  }

  /// A piece has ended, and so its memory is free for the next, of this job or of another.
  private func endPiece(_ piece: Int) {
    let goesOn = state.withLock { !$0.isStopped && $0.begun < sectorCount }
    owner.memory.giveBack(piece)
    if goesOn { askForPiece() } else { leave() }
  }

  /// No further piece is asked for in the place of this one.
  private func leave() {
    let result = state.withLock { state -> CopyResult? in
      state.pieceCount -= 1
      guard state.pieceCount == 0 else { return nil }
      // Without a destination there is nothing that could be missing.
      let hasTarget = destinations.contains { !$0.sectors.isEmpty }
      let end = hasTarget ? state.begun : sectorCount
      state.result.copiedCount = SectorCount(min(end, state.firstGap))
      return state.result
    }
    if let result { notify(result) }
  }
}
