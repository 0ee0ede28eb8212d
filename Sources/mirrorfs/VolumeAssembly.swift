import BlockIO
import Glibc
import Logging
import Mirror
import MountConfig
import Volumes

/// Opens the legs of a config and puts the volumes together.
struct VolumeAssembly {
  let configuration: MountConfiguration
  let logger: Logger
  private(set) var claims: [DeviceClaim] = []
  private var claimedDevices: Set<UInt64> = []
  /// By volume and leg, as in the config; nil for a leg that is to be made.
  private var opened: [[DeviceFile?]] = []

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
      var files: [DeviceFile?] = []
      for leg in volume.legs {
        do throws(ConfigProblem) {
          files.append(Self.isToBeMade(leg) ? nil : try open(leg, volume))
        } catch {
          problems.append(error)
        }
      }
      opened.append(files)
    }
    if !problems.isEmpty { throw StartupProblem(problems) }
  }

  /// Makes the legs that are missing, and puts the volumes together.
  ///
  /// - Throws: a problem with file, line and column for the first leg that cannot be made.
  mutating func assemble() throws(StartupProblem) -> [Volume] {
    var volumes: [Volume] = []
    for (volume, files) in zip(configuration.volumes, opened) {
      var legs: [Leg] = []
      var created: LegBits = []
      for (index, (leg, file)) in zip(volume.legs, files).enumerated() {
        if let file {
          legs.append(Self.leg(leg, file))
        } else {
          do throws(ConfigProblem) {
            legs.append(Self.leg(leg, try create(leg, volume)))
            created.insert(index: index)
          } catch {
            throw StartupProblem([error])
          }
        }
      }
      volumes.append(try assemble(volume, legs, created: created))
    }
    return volumes
  }

  private func assemble(
    _ volume: VolumeConfiguration, _ legs: [Leg], created: LegBits
  ) throws(StartupProblem) -> Volume {
    let (name, logger, throttle) = (volume.name, logger, LogThrottle())
    let durable: DurableState
    do throws(DurableProblem) {
      durable = try DurableState(
        DurableOptions(
          folder: "\(configuration.stateDirectory)/volumes/\(name)", volume: name,
          intent: IntentChoice(volume), chunk: volume.chunk,
          initialSync: InitialSync(volume.initialSync)),
        legs: legs, created: created)
    } catch {
      throw StartupProblem([
        configuration.problem(at: volume.mark, "volume \(name): \(error.text)")
      ])
    }
    for finding in durable.findings {
      logger.log(level: finding.isWarning ? .warning : .notice, "volume=\(name) \(finding.text)")
    }
    let mirror = MirrorSet(
      legs: legs, readPolicy: ReadPolicy(volume.readPolicy), writeQuorum: volume.writeQuorum,
      onNoSpace: volume.onNoSpace == .error ? .error : .stale,
      onAllFailed: volume.onAllFailed == .wait ? .wait : .error, durable: durable
    ) { event in
      guard let dropped = throttle.pass(event.source) else { return }
      let more = dropped > 0 ? " dropped_lines=\(dropped)" : ""
      logger.log(level: event.level, "\(event.text(volume: name))\(more)")
    }
    mirror.setRate(bytesPerSecond: volume.resyncRate)
    if volume.readOnly { mirror.setReadOnly() }
    return Volume(
      name: name, mirror: mirror,
      access: VolumeAccess(
        mode: volume.mode, owner: volume.owner, group: volume.group, isReadOnly: volume.readOnly),
      truncatePolicy: TruncatePolicy(volume.truncate))
  }

  private static func leg(_ leg: LegConfiguration, _ file: DeviceFile) -> Leg {
    Leg(
      file: file,
      region: Region(
        device: file.device,
        sectors: SectorRange(first: leg.firstSector, count: leg.sectorCount)),
      name: leg.path, isWriteMostly: leg.writeMostly,
      deadlineMilliseconds: leg.deadlineMilliseconds)
  }

  private mutating func open(
    _ leg: LegConfiguration, _ volume: VolumeConfiguration
  ) throws(ConfigProblem) -> DeviceFile {
    let region = SectorRange(first: leg.firstSector, count: leg.sectorCount)
    do throws(Errno) {
      let file = try DeviceFile(
        path: leg.path, access: DeviceFile.Access(leg.access), isReadOnly: volume.readOnly,
        region: region)
      if file.device.kind == .blockDevice { try claim(file) }
      if !volume.readOnly { try file.lock(region) }
      return file
    } catch {
      throw problem(leg, error)
    }
  }

  private mutating func claim(_ file: DeviceFile) throws(Errno) {
    guard claimedDevices.insert(file.identity).inserted else { return }
    claims.append(try DeviceClaim(blockDevice: file.path))
  }

  private func problem(_ leg: LegConfiguration, _ error: Errno) -> ConfigProblem {
    let reason =
      switch error {
      case .wouldBlock, .inUse:
        "is in use by another mirrorfs, a mount or another program; unmount or stop that first"
      case .invalid: "cannot be opened for direct I/O; write `io: auto` or `io: buffered`"
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

extension ReadPolicy {
  init(_ choice: ReadPolicyChoice) {
    switch choice {
    case .primary: self = .primary
    case .roundRobin: self = .roundRobin
    case .leastPending: self = .leastPending
    }
  }
}

extension IntentChoice {
  /// A volume that nobody writes to needs no map.
  init(_ volume: VolumeConfiguration) {
    switch volume.intent {
    case .durable: self = .durable
    case .process: self = .process
    case .off: self = .off
    }
  }
}

extension InitialSync {
  init(_ word: InitialSyncWord) {
    switch word {
    case .verify: self = .verify
    case .firstLeg: self = .firstLeg
    case .assumeInSync: self = .assumeInSync
    }
  }
}

extension TruncatePolicy {
  init(_ choice: TruncateChoice) {
    switch choice {
    case .zero: self = .zero
    case .ignore: self = .ignore
    case .refuse: self = .refuse
    }
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
