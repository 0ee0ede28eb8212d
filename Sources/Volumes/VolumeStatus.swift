internal import BlockIO
internal import Mirror

/// A volume's status as JSON: `{"version":1,...}`. Keys are added, never renamed or removed.
public struct VolumeStatusDocument: Codable, Sendable {
  /// One leg.
  public struct LegDocument: Codable, Sendable {
    public var index: Int
    public var state: String
    public var letter: String
    public var device: String
    public var firstSector: UInt64
    public var sectorCount: UInt64
    public var errors: [String: Int]
    public var lastError: String?
    public var staleSectorCount: UInt64
    /// The first of them; the count above is of all.
    public var stale: [String]
    /// The leg that this one is to replace; not there for all but a new one.
    public var replaces: Int?
    /// True, or not there: nothing is copied to the leg before somebody asks.
    public var held: Bool?
  }

  public var version = 1
  public var volume: String
  public var byteCount: UInt64
  public var state: String
  public var errorBits: String
  public var errorBitsSeen: String
  public var errorBitsLast: String
  public var letters: String
  public var readPolicy: String
  public var writeQuorum: Int
  public var progress: String
  public var disputed: [String]
  public var mismatches: [String]
  /// Faults that are being rehearsed.
  public var faults: [FaultDocument]
  public var legs: [LegDocument]
  /// What changed since the mount, the last change last.
  public var history: [ChangeHistory.Entry]

  enum CodingKeys: String, CodingKey {
    case version, volume, state, legs, progress, disputed, mismatches, faults, history
    case byteCount = "byte_count"
    case errorBits = "error_bits"
    case errorBitsSeen = "error_bits_seen"
    case errorBitsLast = "error_bits_last"
    case letters
    case readPolicy = "read_policy"
    case writeQuorum = "write_quorum"
  }

  /// Stale ranges that a document lists, over all legs, so that it stays an attribute's size; the
  /// sum is always exact.
  static let mostRanges = 512

  init(_ volume: Volume, _ status: MirrorStatus) {
    self.volume = volume.name
    byteCount = volume.byteCount
    state = status.state.word
    errorBits = status.errorBits.description
    errorBitsSeen = status.errorBitsSeen.description
    errorBitsLast = status.errorBitsLast.description
    letters = status.letters
    readPolicy = volume.mirror.policy.readPolicy.rawValue
    writeQuorum = volume.mirror.policy.writeQuorum
    progress = status.progress
    disputed = status.disputed.prefix(64).map(\.description)
    mismatches = status.mismatches.prefix(64).map { "\($0.range) legs=\($0.legs)" }
    faults = volume.faults
    history = volume.history.entries
    let mostRanges = Self.mostRanges / status.legs.count
    legs = status.legs.enumerated().map { index, leg in
      LegDocument(
        index: index, state: leg.letter.word, letter: String(leg.letter.letter),
        device: leg.device, firstSector: leg.region.first.rawValue,
        sectorCount: leg.region.count.rawValue,
        errors: [
          "read": leg.counters.read, "write": leg.counters.write, "flush": leg.counters.flush,
          "corrected": leg.counters.corrected,
        ],
        lastError: leg.lastError?.text,
        staleSectorCount: leg.stale.reduce(0) { $0 + $1.count.rawValue },
        stale: leg.stale.prefix(mostRanges).map(\.description), replaces: leg.replaces,
        held: leg.isHeld ? true : nil)
    }
  }
}

extension VolumeTable {
  /// The documents of all volumes as one, which is what `mirrorfs status --json` prints, with the
  /// worst of their states.
  public func statusDocument() -> String {
    let statuses = volumes.map { ($0, $0.mirror.status()) }
    let worst = statuses.map { $1.state }.max() ?? .inSync
    let documents = statuses.map { JSONLine.of(VolumeStatusDocument($0, $1)) }
    return "{\"version\":1,\"state\":\"\(worst.word)\","
      + "\"volumes\":[\(documents.joined(separator: ","))]}\n"
  }
}

extension VolumeStatusDocument.LegDocument {
  enum CodingKeys: String, CodingKey {
    case index, state, letter, device, errors, stale, replaces, held
    case firstSector = "first_sector"
    case sectorCount = "sector_count"
    case lastError = "last_error"
    case staleSectorCount = "stale_sector_count"
  }
}

extension LegError {
  /// What, where, when: `EIO write 4096+8 2026-01-31T12:00:00Z`.
  var text: String {
    let place = operation == .flush ? "" : " \(sectors)"
    return "\(error.name) \(operationWord)\(place) \(UTCTime.text(time))"
  }

  private var operationWord: String {
    switch operation {
    case .read: "read"
    case .flush: "flush"
    default: "write"
    }
  }
}
