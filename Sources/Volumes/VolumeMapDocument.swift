internal import BlockIO
internal import Mirror

/// A volume in cells, as JSON: `{"version":1,...}`. Keys are added, never renamed or removed.
public struct VolumeMapDocument: Codable, Sendable {
  public var version = 1
  public let volume: String
  public let byteCount: UInt64
  /// Sectors of a cell; the last one may have fewer.
  public let cellSectors: UInt64
  /// One string a leg, one letter of ``letters`` a cell.
  public let legs: [String]
  /// `*` for a cell with chunks marked in the write-intent map, else `.`; without a map, nothing.
  public let intent: String?
  /// Where a scrub compares next.
  public let scrubSector: UInt64?

  enum CodingKeys: String, CodingKey {
    case version, volume, legs, intent
    case byteCount = "byte_count"
    case cellSectors = "cell_sectors"
    case scrubSector = "scrub_sector"
  }

  /// Cells of a row: 64 legs of them fit into an attribute.
  static let mostCells = 512

  init(_ volume: Volume) {
    let map = volume.mirror.map(mostCells: Self.mostCells)
    self.volume = volume.name
    byteCount = volume.byteCount
    cellSectors = map.cellSectorCount.rawValue
    legs = map.legs.map { String($0.map(Self.letter)) }
    intent = map.intent.map { String($0.map { $0 ? "*" : "." }) }
    scrubSector = map.scrubPosition?.rawValue
  }

  static func letter(_ cell: MapCell) -> Character {
    switch cell {
    case .inSync: "."
    case .unsettled: "c"
    case .disputed: "d"
    case .stale: "s"
    case .resyncing: ">"
    case .readErrors: "r"
    case .unwritten: "u"
    }
  }

  /// What the letters of ``legs`` mean, by rising precedence.
  public static let letters: [(letter: Character, meaning: String)] = [
    (".", "in sync"), ("c", "to be compared"), ("s", "stale"), ("d", "disputed"),
    (">", "resyncing"), ("r", "read errors"), ("u", "last copy missed a write"),
  ]
}
