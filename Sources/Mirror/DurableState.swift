public import BlockIO
internal import Glibc
internal import Synchronization

/// What a crash may cost (rule M9).
public enum IntentChoice: String, Sendable {
  /// Nothing, whether the process or the power went away.
  case durable
  /// Nothing when the process went away; after a loss of power the legs have to be scrubbed.
  case process
  /// The legs have to be scrubbed after either.
  case off
}

/// What is believed of legs that were there before mirrorfs knew them (rule M16).
public enum InitialSync: String, Sendable {
  case verify
  case firstLeg = "first-leg"
  case assumeInSync = "assume-in-sync"
}

/// Where and how a volume's state is kept.
public struct DurableOptions: Sendable {
  /// A folder for this volume alone; made if it is not there.
  public var folder: String
  public var volume: String
  public var intent: IntentChoice
  /// Unit of the intent map: a power of two of sectors.
  public var chunk: SectorCount
  public var initialSync: InitialSync

  public init(
    folder: String, volume: String, intent: IntentChoice = .durable,
    chunk: SectorCount = SectorCount(8192), initialSync: InitialSync = .verify
  ) {
    self.folder = folder
    self.volume = volume
    self.intent = intent
    self.chunk = chunk
    self.initialSync = initialSync
  }
}

/// Why a volume's state cannot be used; nothing has been written to any leg.
public struct DurableProblem: Error {
  public let text: String
}

/// What was noticed when the state was read: for the log.
public struct DurableFinding: Sendable {
  /// `key=value` words.
  public let text: String
  public let isWarning: Bool
}

/// A leg that replaced one of the config, or is to.
public struct LegSubstitute: Sendable {
  public let path: String
  public let firstSector: Sector
  /// The config's path.
  public let standsFor: String
  /// The config's leg still serves.
  public let isReplacing: Bool
}

/// The state of a volume on disk: a file that is replaced as a whole, and the intent map.
public final class DurableState: Sendable {
  public let findings: [DurableFinding]
  /// Nil when a crash may cost what it likes, and for a single leg, which cannot differ.
  let intent: IntentMap?
  /// What the set knows at the start.
  let firstHealth: MirrorHealth
  private let options: DurableOptions
  private let sectorCount: SectorCount
  private let generation: Atomic<UInt64>
  private let committed = Atomic<UInt64>(0)
  private let opening = Atomic<Bool>(false)
  private let openOnDisk: Atomic<Bool>
  private let wish = Atomic<Bool>(false)
  /// Of the monotonic clock, in milliseconds.
  private let nextCleaning = Atomic<Int>(0)

  /// Reads the state of a volume, or makes it.
  ///
  /// - Parameters:
  ///   - created: which legs were just made, and hold zeroes.
  ///   - replacing: legs that are not the config's, each with the leg that it is to replace.
  ///   - isHandedOver: others may write to the legs from now on (``StateHandover``).
  /// - Throws: when the folder cannot be written, or when some sector would be in sync on no leg.
  public init(
    _ options: DurableOptions, legs: [Leg], created: LegBits, replacing: [Int: Int] = [:],
    isHandedOver: Bool = false
  ) throws(DurableProblem) {
    self.options = options
    sectorCount = legs[0].region.sectors.count
    try Self.makeFolder(options.folder)
    var start = DurableStart(
      options: options, legs: legs, created: created, replacing: replacing)
    try start.read(StateFile(folder: options.folder))
    if isHandedOver { start.handOver() }
    intent = try start.openIntent()
    findings = start.findings
    firstHealth = start.health
    generation = Atomic(start.generation)
    // An unclean stop stays one until the next clean one.
    openOnDisk = Atomic(false)
    opening.store(start.wasUnclean, ordering: .relaxed)
    // A directory that cannot be written is noticed now, not at the first failure.
    do throws(Errno) {
      try save(
        snapshot(of: start.health, legs: legs, isClean: !start.wasUnclean),
        growth: start.health.growth)
    } catch {
      throw DurableProblem(text: "the state in \(options.folder) cannot be written: \(error)")
    }
  }

  /// What was put in the place of the config's legs, as the state in a folder has it.
  ///
  /// Empty where there is no state, or none that can be read: then all is as in the config.
  public static func substitutes(folder: String) -> [LegSubstitute] {
    guard let bytes = try? StateFile(folder: folder).read(),
      let saved = try? SavedState(decoding: bytes)
    else { return [] }
    return saved.legs.compactMap { leg in
      leg.standsFor.map { standsFor in
        LegSubstitute(
          path: leg.identity.path, firstSector: Sector(leg.identity.firstSector),
          standsFor: standsFor, isReplacing: leg.isReplacing)
      }
    }
  }

  /// Whether the state on disk says "not cleanly unmounted".
  var isOpenOnDisk: Bool { openOnDisk.load(ordering: .acquiring) }
  /// Whether it has to say so from the next commit on.
  var isOpening: Bool { opening.load(ordering: .acquiring) }
  func noteOpening() { opening.store(true, ordering: .releasing) }

  /// What the state on disk holds of the health's growth.
  var committedGrowth: UInt64 { committed.load(ordering: .acquiring) }

  /// Something has changed that is worth writing at the next occasion.
  func wantsCommit() { wish.store(true, ordering: .releasing) }
  var isWishing: Bool { wish.load(ordering: .acquiring) }
  func takeWish() -> Bool { wish.exchange(false, ordering: .acquiringAndReleasing) }

  /// Whether it is time to look for marks of the intent map that can go: every five seconds, so
  /// that a chunk that is written to now and then keeps its mark. True once for each time.
  func takeCleaning(now: Double) -> Bool {
    let due = nextCleaning.load(ordering: .relaxed)
    guard Int(now * 1000) >= due else { return false }
    return nextCleaning.compareExchange(
      expected: due, desired: Int(now * 1000) + 5000, ordering: .relaxed
    ).exchanged
  }

  /// Does not wait for the next time: for tests.
  func makeCleaningDue() { nextCleaning.store(0, ordering: .relaxed) }

  func isCleaningDue(now: Double) -> Bool {
    Int(now * 1000) >= nextCleaning.load(ordering: .relaxed) && (intent?.markedCount ?? 0) > 0
  }

  /// One caller at a time.
  func save(_ state: SavedState, growth: UInt64) throws(Errno) {
    var state = state
    state.generation = generation.wrappingAdd(1, ordering: .relaxed).newValue
    try StateFile(folder: options.folder).replace(with: state.encode())
    openOnDisk.store(!state.isClean, ordering: .releasing)
    committed.store(growth, ordering: .releasing)
  }

  func snapshot(of health: MirrorHealth, legs: [Leg], isClean: Bool) -> SavedState {
    SavedState(
      volume: options.volume, sectorCount: sectorCount.rawValue, generation: 0, isClean: isClean,
      errorBitsSeen: health.errorBitsSeen, errorBitsLast: health.errorBitsLast,
      unverified: health.unverified.ranges, disputed: health.disputed.ranges,
      unserved: health.unserved.ranges, scrub: health.scrub.map { SavedScrub($0) },
      legs: zip(legs, health.legs).map { leg, record in
        SavedLeg(
          identity: LegIdentity(leg, diskMark: record.diskMark), standsFor: record.standsFor,
          isReplacing: record.replaces != nil, isOut: record.isOut, isHeld: record.isHeld,
          causes: record.causes, counters: record.counters, lastError: record.lastError,
          stale: record.stale.ranges, unwritten: record.unwritten.ranges,
          unreadable: record.unreadable.ranges)
      })
  }

  private static func makeFolder(_ path: String) throws(DurableProblem) {
    var built = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
      built += "/" + part
      if unsafe mkdir(built, 0o700) != 0, errno != EEXIST, errno != EISDIR, built.hasSuffix(path) {
        throw DurableProblem(text: "the state folder \(path) cannot be made: \(Errno.last)")
      }
    }
  }
}

extension LegIdentity {
  init(_ leg: Leg, diskMark: UInt64) {
    let isBlockDevice = leg.region.device.kind == .blockDevice
    let time = leg.file?.modificationTime()
    self.init(
      path: leg.name, isBlockDevice: isBlockDevice,
      capacity: leg.file?.currentCapacity()?.rawValue ?? leg.region.device.capacity.rawValue,
      firstSector: leg.region.sectors.first.rawValue,
      inode: isBlockDevice ? diskMark : leg.file?.identity ?? 0,
      modifiedSeconds: time?.seconds ?? 0, modifiedNanoseconds: time?.nanoseconds ?? 0)
  }
}

extension SavedScrub {
  init(_ task: ScrubTask) {
    self.init(
      firstSector: task.range.first.rawValue, endSector: task.range.end.rawValue,
      position: task.position.rawValue, isRepair: task.isRepair, source: task.source)
  }
}

extension ScrubTask {
  init(_ saved: SavedScrub) {
    self.init(
      range: SectorRange(Sector(saved.firstSector), upTo: Sector(saved.endSector)),
      position: Sector(saved.position), isRepair: saved.isRepair, source: saved.source)
  }
}
