internal import Mirror

/// The volumes of one mount: immutable, found by name or by number. Any thread.
public final class VolumeTable: Sendable {
  public let volumes: [Volume]
  private let numberByName: [String: Int]

  /// - Parameter volumes: names must differ; the config has seen to that.
  public init(_ volumes: [Volume]) {
    self.volumes = volumes
    numberByName = Dictionary(
      uniqueKeysWithValues: volumes.enumerated().map { ($1.name, $0) })
  }

  /// The number of a volume; nil when there is none of that name.
  public func number(of name: String) -> Int? { numberByName[name] }

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
