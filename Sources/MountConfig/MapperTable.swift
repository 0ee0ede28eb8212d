public import BlockIO

/// What the kernel's device-mapper is told to make of a volume's legs: one line of `dmsetup table`.
///
/// Several legs are a `mirror` (drivers/md/dm-raid1.c), one is `linear`.
public struct MapperTable: Sendable, Equatable {
  /// Why there is none: a sentence with what to do instead.
  public struct Refusal: Error, Equatable {
    public let text: String
  }

  /// One copy.
  public struct Leg: Sendable, Equatable {
    public var path: String
    public var firstSector: Sector

    public init(path: String, firstSector: Sector) {
      self.path = path
      self.firstSector = firstSector
    }
  }

  /// DM_KCOPYD_MAX_REGIONS and the one that is copied from.
  private static let mostLegs = 9
  /// A page, of which the kernel wants regions to be multiples.
  private static let leastRegion: UInt64 = 8
  /// DM_NAME_LEN without its final NUL.
  private static let longestName = 127

  public let sectorCount: SectorCount
  /// In the kernel's order: the first one is copied over the others, unless all are equal.
  public let legs: [Leg]
  public let areLegsEqual: Bool
  /// Sectors of a region of the kernel's log: a power of two, at most the volume.
  public let region: SectorCount

  /// - Parameter chunk: of the intent map; the region is as large, or as large as it may be.
  public init(
    legs: [Leg], sectorCount: SectorCount, chunk: SectorCount, areLegsEqual: Bool
  ) throws(Refusal) {
    guard legs.count <= Self.mostLegs else {
      throw Refusal(
        text: "it has \(legs.count) legs, and the kernel's mirror takes \(Self.mostLegs) at most; "
          + "take some out of the config")
    }
    guard legs.count == 1 || sectorCount.rawValue >= Self.leastRegion else {
      throw Refusal(
        text: "it has \(sectorCount.rawValue) sectors, and the kernel's mirror wants "
          + "\(Self.leastRegion) at least; copy it instead, it is small")
    }
    self.legs = legs
    self.sectorCount = sectorCount
    self.areLegsEqual = areLegsEqual
    let largest = UInt64(1) << UInt64(63 - max(1, sectorCount.rawValue).leadingZeroBitCount)
    region = SectorCount(max(Self.leastRegion, min(chunk.rawValue, largest)))
  }

  /// As `dmsetup create NAME --table` takes it, and `dmsetup table NAME` prints it.
  public var line: String {
    let places = legs.map { "\(Self.escaped($0.path)) \($0.firstSector.rawValue)" }
      .joined(separator: " ")
    let length = "0 \(sectorCount.rawValue)"
    if legs.count == 1 { return "\(length) linear \(places)" }
    // Without nosync the kernel copies the first leg over the others before it trusts them.
    let log = areLegsEqual ? "core 2 \(region.rawValue) nosync" : "core 1 \(region.rawValue)"
    // Without handle_errors a write that failed on one leg would count as done there.
    return "\(length) mirror \(log) \(legs.count) \(places) 1 handle_errors"
  }

  /// As `dmsetup create --concise` takes it.
  public func concise(name: String, isReadOnly: Bool) throws(Refusal) -> String {
    guard name.utf8.count <= Self.longestName else {
      throw Refusal(
        text: "its name has \(name.utf8.count) bytes, and the kernel takes \(Self.longestName) at "
          + "most; leave `--concise` out, and give `dmsetup create` a shorter name")
    }
    let fields = [name, "", "", isReadOnly ? "ro" : "rw", line]
    return fields.map { Self.escaped($0, ",;\\") }.joined(separator: ",")
  }

  /// Words of a table end at white space, unless that has a backslash before it (dm_split_args).
  private static func escaped(_ text: String, _ special: String = " \t\n\u{b}\u{c}\r\\") -> String {
    var out = ""
    for scalar in text.unicodeScalars {
      if special.unicodeScalars.contains(scalar) { out += "\\" }
      out.unicodeScalars.append(scalar)
    }
    return out
  }
}
