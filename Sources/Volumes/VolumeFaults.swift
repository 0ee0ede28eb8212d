internal import BlockIO
internal import BlockIOFaults
internal import Mirror

/// Fault rehearsal on a volume's legs: `fault LEG KIND for=MS [delay=MS] [range=FIRST+COUNT]`, and
/// `fault LEG off`.
extension Volume {
  /// The longest rehearsal: an hour.
  static let mostFaultMilliseconds: UInt64 = 3_600_000

  /// - Throws: EINVAL for what cannot be understood, EBUSY while the leg has a fault already,
  ///   EOPNOTSUPP in a mount without rehearsals.
  func rehearse(_ options: [String]) throws(Errno) {
    guard let drill else { throw .notSupported }
    guard options.count >= 2, let number = Int(options[0]), number >= 0 else { throw .invalid }
    let legs = mirror.legs
    guard legs.indices.contains(number) else { throw .invalid }
    let leg = legs[number]
    if options[1] == "off" {
      guard options.count == 2, drill.end(leg.region.device) else { throw .invalid }
      return
    }
    guard let kind = RehearsedFault.Kind(rawValue: options[1]) else { throw .invalid }
    var (duration, delay): (UInt64, UInt64) = (60_000, 1000)
    var range: SectorRange?
    for option in options.dropFirst(2) {
      if let value = Self.value(of: "for", option) {
        duration = try Self.milliseconds(value)
      } else if let value = Self.value(of: "delay", option) {
        delay = try Self.milliseconds(value)
      } else if let value = Self.value(of: "range", option) {
        range = try Self.range(value)
      } else {
        throw .invalid
      }
    }
    if let range, range.isEmpty || range.end < range.first || !mirror.whole.contains(range) {
      throw .invalid
    }
    let start = leg.region.sectors.first
    let fault = RehearsedFault(
      kind: kind, device: leg.region.device,
      sectors: range.map {
        SectorRange(first: start + SectorCount($0.first.rawValue), count: $0.count)
      },
      delayMilliseconds: Int(delay), end: FaultDrill.now() + duration)
    let words = "leg=\(number) kind=\(kind.rawValue)" + (range.map { " range=\($0)" } ?? "")
    try drill.begin(
      fault, holder: leg.file,
      isSpared: { [weak mirror] sectors in
        // What is read to be written again must be right: copies, repairs, edges of writes.
        mirror?.isBeingChanged(
          SectorRange(
            first: Sector(sectors.first.rawValue - start.rawValue), count: sectors.count)) ?? true
      },
      whenEnded: { [weak self] in
        guard let self else { return }
        if kind == .corruptRead { whenContentsChanged.withLock { $0 }?() }
        mirror.note("fault=ended \(words)", isWarning: false)
      })
    mirror.note("fault=begun \(words) seconds=\(duration / 1000)", isWarning: true)
  }

  private static func milliseconds(_ text: String) throws(Errno) -> UInt64 {
    guard let number = UInt64(text), (1...mostFaultMilliseconds).contains(number) else {
      throw .invalid
    }
    return number
  }

  /// The faults that are being rehearsed, by leg.
  var faults: [FaultDocument] {
    guard let drill else { return [] }
    let now = FaultDrill.now()
    return mirror.legs.enumerated().compactMap { number, leg in
      guard let fault = drill.fault(of: leg.region.device) else { return nil }
      let start = leg.region.sectors.first.rawValue
      return FaultDocument(
        leg: number, kind: fault.kind.rawValue,
        range: fault.sectors.map { "\($0.first.rawValue - start)+\($0.count.rawValue)" },
        secondsLeft: fault.end > now ? (fault.end - now + 999) / 1000 : 0)
    }
  }
}

/// A fault that is being rehearsed, as the status shows it.
public struct FaultDocument: Codable, Sendable {
  public var leg: Int
  public var kind: String
  /// Sectors of the volume; not there: all.
  public var range: String?
  public var secondsLeft: UInt64

  enum CodingKeys: String, CodingKey {
    case leg, kind, range
    case secondsLeft = "seconds_left"
  }

  /// `leg=1 eio 0+2048 42s`
  public var text: String {
    "leg=\(leg) \(kind)" + (range.map { " \($0)" } ?? "") + " \(secondsLeft)s"
  }
}
