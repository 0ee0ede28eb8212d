import BlockIO
import Glibc
import Logging
import Mirror
import MountConfig

/// What a volume is made of.
struct VolumeParts: Sendable {
  let volume: VolumeConfiguration
  let legs: [Leg]
  /// Legs that were just made, and hold zeroes.
  let created: LegBits
  /// New legs, and the legs that they are to replace.
  let replacing: [Int: Int]
}

/// Opens the legs of a config: those that it names, or what has replaced them.
struct LegOpening {
  let configuration: MountConfiguration
  let logger: Logger
  /// By device: legs may be parts of one.
  private var claims: [UInt64: DeviceClaim] = [:]
  /// What legs have opened that others may be parts of, too.
  private struct Opening: Hashable {
    let path: String
    let access: AccessChoice
    let isReadOnly: Bool
  }
  private var openings: [Opening: DeviceFile] = [:]
  /// The legs of one volume: the config's, or what has replaced them, and one that is to.
  private struct Legs {
    var wanted: [LegConfiguration]
    /// Nil for a leg that is to be made.
    var files: [DeviceFile?] = []
    /// New legs, and the legs that they are to replace.
    var replacing: [Int: Int] = [:]
  }
  /// By volume, as in the config.
  private var opened: [Legs] = []

  init(configuration: MountConfiguration, logger: Logger) {
    self.configuration = configuration
    self.logger = logger
  }

  /// Opens and locks every leg that is there; writes nothing.
  ///
  /// - Throws: a problem with file, line and column for each leg that cannot be used.
  mutating func openLegs() throws(StartupProblem) {
    var problems: [ConfigProblem] = []
    for volume in configuration.volumes {
      let (wanted, new) = legs(of: volume)
      var legs = Legs(wanted: wanted)
      for leg in legs.wanted {
        do throws(ConfigProblem) {
          legs.files.append(Self.isToBeMade(leg) ? nil : try open(leg, volume))
        } catch {
          problems.append(error)
        }
      }
      if let new { open(new, in: volume, &legs) }
      opened.append(legs)
    }
    if !problems.isEmpty { throw StartupProblem(problems) }
  }

  /// Makes the legs that are missing, and hands all of them out.
  ///
  /// - Throws: a problem with file, line and column for the first leg that cannot be made.
  mutating func takeParts() throws(StartupProblem) -> [VolumeParts] {
    // From here on a device is held by its legs alone, so that a replaced one is let go.
    defer { (opened, claims, openings) = ([], [:], [:]) }
    var parts: [VolumeParts] = []
    for (volume, opened) in zip(configuration.volumes, opened) {
      var legs: [Leg] = []
      var created: LegBits = []
      for (index, (leg, file)) in zip(opened.wanted, opened.files).enumerated() {
        if let file {
          legs.append(self.leg(leg, file))
        } else {
          do throws(ConfigProblem) {
            legs.append(self.leg(leg, try create(leg, volume)))
            created.insert(index: index)
          } catch {
            throw StartupProblem([error])
          }
        }
      }
      parts.append(
        VolumeParts(volume: volume, legs: legs, created: created, replacing: opened.replacing))
    }
    return parts
  }

  /// The config's legs, but where one has been replaced the one that replaced it; and the one that
  /// is just to replace another.
  private func legs(
    of volume: VolumeConfiguration
  ) -> ([LegConfiguration], new: (leg: LegConfiguration, replaces: Int)?) {
    var legs = volume.legs
    var new: (leg: LegConfiguration, replaces: Int)?
    let substitutes = DurableState.substitutes(
      folder: configuration.stateFolder(of: volume))
    let replaced = Set(substitutes.lazy.filter { !$0.isReplacing }.map(\.standsFor))
    for substitute in substitutes {
      // Once the config names it, it is a leg like any other.
      guard
        replaced.contains(substitute.path)
          || !volume.legs.contains(where: { $0.path == substitute.path }),
        let index = volume.legs.firstIndex(where: { $0.path == substitute.standsFor })
      else { continue }
      var leg = volume.legs[index]
      leg.path = substitute.path
      leg.firstSector = substitute.firstSector
      leg.create = false
      if substitute.isReplacing {
        new = (leg, index)
      } else {
        legs[index] = leg
        let place = "volume=\(volume.name.asLogWord) leg=\(index)"
        logger.notice(
          "\(place) device=\(leg.path.asLogWord) replaced=\(substitute.standsFor.asLogWord)")
      }
    }
    return (legs, new)
  }

  /// Opens the leg that is to replace another; without it the other stays.
  private mutating func open(
    _ new: (leg: LegConfiguration, replaces: Int), in volume: VolumeConfiguration,
    _ legs: inout Legs
  ) {
    guard !volume.readOnly, legs.files.count == legs.wanted.count else { return }
    do throws(ConfigProblem) {
      let file = try open(new.leg, volume)
      legs.replacing[legs.wanted.count] = new.replaces
      legs.wanted.append(new.leg)
      legs.files.append(file)
    } catch {
      logger.warning(
        "volume=\(volume.name.asLogWord) replacement=given-up reason=\"\(error.message)\"")
    }
  }

  private func leg(_ leg: LegConfiguration, _ file: DeviceFile) -> Leg {
    Leg(
      file: file,
      region: Region(
        device: file.device,
        sectors: SectorRange(first: leg.firstSector, count: leg.sectorCount)),
      name: leg.path, isWriteMostly: leg.writeMostly,
      deadlineMilliseconds: leg.deadlineMilliseconds,
      claim: file.device.kind == .blockDevice ? claims[file.identity] : nil)
  }

  private mutating func open(
    _ leg: LegConfiguration, _ volume: VolumeConfiguration
  ) throws(ConfigProblem) -> DeviceFile {
    let region = SectorRange(first: leg.firstSector, count: leg.sectorCount)
    let opening = Opening(path: leg.path, access: leg.access, isReadOnly: volume.readOnly)
    do throws(Errno) {
      let file = try open(leg, opening, volume)
      if file.device.kind == .blockDevice { try claim(file) }
      if !volume.readOnly { try file.lock(region) }
      file.dropCache(of: region)
      return file
    } catch {
      throw problem(leg, error)
    }
  }

  /// A leg of the config shares what another has opened: the check saw that they do not overlap.
  private mutating func open(
    _ leg: LegConfiguration, _ opening: Opening, _ volume: VolumeConfiguration
  ) throws(Errno) -> DeviceFile {
    let region = SectorRange(first: leg.firstSector, count: leg.sectorCount)
    let isOfConfig = volume.legs.contains {
      $0.path == leg.path && $0.firstSector == leg.firstSector
    }
    if isOfConfig, let other = openings[opening],
      let file = DeviceFile(sharing: other, region: region)
    {
      return file
    }
    let file = try DeviceFile(
      path: leg.path, access: DeviceFile.Access(leg.access), isReadOnly: volume.readOnly,
      region: region)
    if isOfConfig { openings[opening] = file }
    return file
  }

  private mutating func claim(_ file: DeviceFile) throws(Errno) {
    guard claims[file.identity] == nil else { return }
    claims[file.identity] = try DeviceClaim(blockDevice: file.path)
  }

  private func problem(_ leg: LegConfiguration, _ error: Errno) -> ConfigProblem {
    let reason =
      switch error {
      case .wouldBlock, .inUse:
        "is in use by another mirrorfs, a mount or another program; unmount or stop that first"
      case .invalid: "cannot be opened for direct I/O; write `io: auto` or `io: buffered`"
      case Errno(EMFILE): "is one open file too many; raise the limit with `ulimit -n`"
      default: "cannot be opened: \(error)"
      }
    return configuration.problem(at: leg.mark, "leg \(leg.path) \(reason)")
  }

  /// A missing or empty file that the config wants made.
  private static func isToBeMade(_ leg: LegConfiguration) -> Bool {
    guard leg.create else { return false }
    var status = stat()
    return unsafe stat(leg.path, &status) != 0 || status.st_size == 0
  }

  /// Makes a sparse file of the leg's size.
  private mutating func create(
    _ leg: LegConfiguration, _ volume: VolumeConfiguration
  ) throws(ConfigProblem) -> DeviceFile {
    let byteCount = (leg.firstSector + leg.sectorCount).byteOffset
    do throws(Errno) {
      try DeviceFile.makeSparse(path: leg.path, byteCount: byteCount)
    } catch {
      throw configuration.problem(at: leg.mark, "leg \(leg.path) cannot be made: \(error)")
    }
    return try open(leg, volume)
  }
}

extension DeviceFile.Access {
  init(_ choice: AccessChoice) {
    switch choice {
    case .auto: self = .automatic
    case .direct: self = .direct
    case .buffered: self = .buffered
    }
  }
}
