internal import BlockIO

/// What a volume's state file holds; docs/STATE.md has it byte by byte.
struct SavedState: Sendable, Equatable {
  var volume: String
  /// Of the volume.
  var sectorCount: UInt64
  /// Rises by one with each state that is written.
  var generation: UInt64
  /// Whether the last mount ended as it should.
  var isClean: Bool
  var errorBitsSeen: LegBits
  var errorBitsLast: LegBits
  var unverified: [SectorRange]
  var disputed: [SectorRange]
  var unserved: [SectorRange]
  var scrub: SavedScrub?
  var legs: [SavedLeg]
}

/// A scrub that was under way; sectors of the volume.
struct SavedScrub: Sendable, Equatable {
  var firstSector: UInt64
  var endSector: UInt64
  var position: UInt64
  var isRepair: Bool
  var source: Int?
}

/// What was known of one leg.
struct SavedLeg: Sendable, Equatable {
  var identity: LegIdentity
  /// The config's path of the leg that this one has replaced, or is to.
  var standsFor: String?
  /// It does not hold everything yet: the old leg still serves.
  var isReplacing = false
  var isOut: Bool
  var isHeld: Bool
  var causes: LegRecord.Causes
  var counters: LegCounters
  var lastError: LegError?
  var stale: [SectorRange]
  var unwritten: [SectorRange]
  var unreadable: [SectorRange]
}

/// How a leg is recognised (rule M17).
struct LegIdentity: Sendable, Equatable {
  var path: String
  var isBlockDevice: Bool
  /// Sectors of the device.
  var capacity: UInt64
  var firstSector: UInt64
  /// Of a file; of a block device what it says of itself, 0 when it says nothing.
  var inode: UInt64
  /// When a file's contents last changed, since 1970.
  var modifiedSeconds: Int64
  var modifiedNanoseconds: UInt32
}

/// Why a state file is not believed.
enum StateDamage: Error, Equatable, CustomStringConvertible {
  case notAStateFile
  case version(UInt32)
  case truncated
  case checksum(record: Int)
  case contents(String)

  var description: String {
    switch self {
    case .notAStateFile: "not a state file"
    case .version(let version): "of version \(version), which this program does not know"
    case .truncated: "cut off"
    case .checksum(let record): "wrong checksum in record \(record)"
    case .contents(let what): what
    }
  }
}
