public import BlockIO

/// One virtual file and the legs that hold it.
public struct VolumeConfiguration: Sendable {
  /// The file's name in the mount: one path component of 1...255 bytes.
  public var name: String
  /// Where the name stands in the config file.
  public var mark: SourceMark
  /// The size, written (`size`) or taken from the legs; at least one sector.
  public var sectorCount: SectorCount
  /// 1...64 legs, in file order.
  public var legs: [LegConfiguration]
  public var readPolicy: ReadPolicyChoice
  /// How many in-sync legs must hold a write for it to succeed; 1...`legs.count`.
  public var writeQuorum: Int
  /// Permission bits, 0...0o777.
  public var mode: UInt32
  /// User id; the caller's unless written.
  public var owner: UInt32
  /// Group id; the caller's unless written.
  public var group: UInt32
  public var truncate: TruncateChoice
  public var readOnly: Bool
  public var initialSync: InitialSyncWord
  public var intent: IntentWord
  /// Unit of the intent map: a power of two of sectors.
  public var chunk: SectorCount
  /// Most bytes a second of background work; 0: no limit.
  public var resyncRate: UInt64
  public var onNoSpace: NoSpaceChoice
  public var onAllFailed: AllFailedChoice
  public var cache: CacheChoice

  /// What `mode` is when the key is left out.
  static let defaultMode: UInt32 = 0o644
}
