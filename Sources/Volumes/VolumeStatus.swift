internal import BlockIO
internal import FoundationEssentials
internal import Glibc
internal import Mirror

/// A volume's status as JSON: `{"version":1,...}`. Keys are added, never renamed or removed.
struct VolumeStatusDocument: Encodable {
  struct LegDocument: Encodable {
    var index: Int
    var state: String
    var letter: String
    var device: String
    var firstSector: UInt64
    var sectorCount: UInt64
    var errors: [String: Int]
    var lastError: String?
    var staleSectorCount: UInt64
    var stale: [String]
    /// The leg that this one is to replace; not there for all but a new one.
    var replaces: Int?
  }

  var version = 1
  var volume: String
  var byteCount: UInt64
  var state: String
  var errorBits: String
  var errorBitsSeen: String
  var errorBitsLast: String
  var letters: String
  var readPolicy: String
  var writeQuorum: Int
  var progress: String
  var disputed: [String]
  var mismatches: [String]
  /// Faults that are being rehearsed.
  var faults: [FaultDocument]
  var legs: [LegDocument]

  enum CodingKeys: String, CodingKey {
    case version, volume, state, legs, progress, disputed, mismatches, faults
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
        stale: leg.stale.prefix(mostRanges).map(\.description), replaces: leg.replaces)
    }
  }

  /// One line of JSON with sorted keys.
  func json() -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(self) else {
      preconditionFailure("strings and numbers can always be encoded")
    }
    return String(decoding: data, as: UTF8.self)
  }
}

extension VolumeTable {
  /// The documents of all volumes as one, which is what `mirrorfs status --json` prints, with the
  /// worst of their states.
  public func statusDocument() -> String {
    let statuses = volumes.map { ($0, $0.mirror.status()) }
    let worst = statuses.map { $1.state }.max() ?? .inSync
    let documents = statuses.map { VolumeStatusDocument($0, $1).json() }
    return "{\"version\":1,\"state\":\"\(worst.word)\","
      + "\"volumes\":[\(documents.joined(separator: ","))]}\n"
  }
}

extension VolumeStatusDocument.LegDocument {
  enum CodingKeys: String, CodingKey {
    case index, state, letter, device, errors, stale, replaces
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
    return "\(error.name) \(operationWord)\(place) \(Self.utc(time))"
  }

  private var operationWord: String {
    switch operation {
    case .read: "read"
    case .flush: "flush"
    default: "write"
    }
  }

  private static func utc(_ seconds: Int) -> String {
    var parts = unsafe tm()
    var time = time_t(seconds)
    unsafe gmtime_r(&time, &parts)
    func padded(_ number: CInt, _ width: Int = 2) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    let (year, month) = unsafe (padded(parts.tm_year + 1900, 4), padded(parts.tm_mon + 1))
    let date = unsafe "\(year)-\(month)-\(padded(parts.tm_mday))"
    return
      unsafe "\(date)T\(padded(parts.tm_hour)):\(padded(parts.tm_min)):\(padded(parts.tm_sec))Z"
  }
}
