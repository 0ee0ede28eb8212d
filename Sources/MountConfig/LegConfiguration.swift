public import BlockIO

/// One copy of a volume: the part of a file or block device that holds it.
public struct LegConfiguration: Sendable {
  /// Absolute; symbolic links are kept, so that a returning leg is found again by its name.
  public var path: String
  /// Where the leg stands in the config file.
  public var mark: SourceMark
  /// Where its path stands.
  public var pathMark: SourceMark
  public var firstSector: Sector
  /// Always the volume's.
  public var sectorCount: SectorCount
  /// A missing file is made, sparse, at the first mount.
  public var create: Bool
  /// Read only when no other leg can answer.
  public var writeMostly: Bool
  public var access: AccessChoice
  /// Most milliseconds that the leg may take to answer (rule M12); 0: as long as it takes.
  public var deadlineMilliseconds: UInt32
}
