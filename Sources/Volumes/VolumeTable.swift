internal import Mirror

/// The volumes of one mount at one time: immutable, found by name or by number. Any thread.
public final class VolumeTable: Sendable {
  /// Those that there are, in the order of their numbers.
  public let volumes: [Volume]
  /// By number; nil for one that was removed: numbers are never used again.
  private let places: [Volume?]
  private let numberByName: [String: Int]

  /// - Parameter volumes: names must differ; the config has seen to that.
  public convenience init(_ volumes: [Volume]) { self.init(places: volumes) }

  private init(places: [Volume?]) {
    self.places = places
    volumes = places.compactMap { $0 }
    numberByName = Dictionary(
      uniqueKeysWithValues: places.enumerated().compactMap { number, volume in
        volume.map { ($0.name, number) }
      })
  }

  /// The same without some volumes and with others.
  public func changed(adding added: [Volume], removing removed: [Volume]) -> VolumeTable {
    let kept = places.map { volume in
      removed.contains { $0 === volume } ? nil : volume
    }
    return VolumeTable(places: kept + added)
  }

  /// The number of a volume; nil when there is none of that name.
  public func number(of name: String) -> Int? { numberByName[name] }

  /// One more than the largest number.
  public var placeCount: Int { places.count }

  /// Nil for a number that was never given out, or whose volume was removed.
  public subscript(number: Int) -> Volume? {
    places.indices.contains(number) ? places[number] : nil
  }

  /// Sum of the sizes in bytes; saturates.
  public var byteCount: UInt64 {
    volumes.reduce(0) { sum, volume in
      let (total, isOver) = sum.addingReportingOverflow(volume.byteCount)
      return isOver ? .max : total
    }
  }

  /// Names of the attributes of the mount point.
  public static let attributeNames = ["state", "degraded", "pid"].map {
    Volume.attributePrefix + $0
  }

  /// An attribute of the mount point; nil for a name that there is none of.
  ///
  /// - Parameter processID: the daemon's; who unmounts waits for its end.
  public func attribute(_ name: String, processID: Int32) -> String? {
    switch name {
    case Volume.attributePrefix + "state":
      return (volumes.map { $0.mirror.status().state }.max() ?? .inSync).word
    case Volume.attributePrefix + "degraded":
      return volumes.filter { $0.mirror.status().state > .inSync }.map(\.name)
        .joined(separator: " ")
    case Volume.attributePrefix + "pid":
      return "\(processID)"
    default:
      return nil
    }
  }
}
