public import BlockIO

/// One copy of a volume: a region of an open device.
public struct Leg: Sendable {
  /// Keeps the descriptor open for as long as the mirror set lives; nil in tests in memory.
  public let file: DeviceFile?
  /// Where the copy is; its sector count is the volume's.
  public let region: Region
  /// The device as the user named it.
  public let name: String
  /// Read only when no other leg can serve.
  public internal(set) var isWriteMostly: Bool
  /// Most milliseconds that a read, write or flush may take (rule M12); 0: as long as it takes.
  public internal(set) var deadlineMilliseconds: UInt32
  /// Keeps others from the block device, where nobody else sees to that.
  let claim: DeviceClaim?

  /// Asked once: states are written often.
  let diskMark: UInt64

  public init(
    file: DeviceFile?, region: Region, name: String, isWriteMostly: Bool = false,
    deadlineMilliseconds: UInt32 = 0, claim: DeviceClaim? = nil
  ) {
    self.file = file
    self.region = region
    self.name = name
    self.isWriteMostly = isWriteMostly
    self.deadlineMilliseconds = deadlineMilliseconds
    self.claim = claim
    diskMark = file?.diskMark ?? 0
  }

  /// The part of the device that holds these sectors of the volume.
  func region(of sectors: SectorRange) -> Region { region.part(sectors) }

  /// This leg's device in a request that passes it by, or flushes it (rule E1).
  var emptyRegion: Region { region.none }
}

extension Region {
  /// The sectors of this region, counted from its start.
  func part(_ sectors: SectorRange) -> Region {
    Region(
      device: device,
      sectors: SectorRange(
        first: self.sectors.first + SectorCount(sectors.first.rawValue), count: sectors.count))
  }

  /// No sector of this region's device (rule E1).
  var none: Region {
    Region(device: device, sectors: SectorRange(first: Sector(0), count: SectorCount(0)))
  }
}

/// Which in-sync leg serves a read (rule M1). Write-mostly legs serve only when no other can.
public enum ReadPolicy: String, Sendable {
  case primary
  case roundRobin = "round-robin"
  case leastPending = "least-pending"
}

extension MirrorSet {
  /// A file leg that holds the whole volume as it is, so that its holes are the volume's; nil when
  /// there is none.
  public func legWithHoles() -> Leg? {
    // A leg that is only kept for want of a better one may have holes where data was.
    let candidates = withHealth { health in
      // Legs that may differ are read from one of them, which need not be a file.
      guard health.unsettled.isEmpty, health.unverified.isEmpty else { return [Int]() }
      return health.readableLegs(whole).indices.filter { health.legs[$0].unwritten.isEmpty }
    }
    return candidates.lazy.map { self.legs[$0] }.first {
      $0.file != nil && $0.region.device.kind == .file
    }
  }
}
