import BlockIO
import BlockIOFaults
import Glibc
import Logging
import Mirror
import MountConfig
import Volumes

/// Opens the legs of a config and puts the volumes together.
struct VolumeAssembly {
  let configuration: MountConfiguration
  let logger: Logger
  let notices: Notices
  let drill: FaultDrill
  private var opening: LegOpening

  init(
    configuration: MountConfiguration, logger: Logger, notices: Notices, drill: FaultDrill
  ) {
    self.drill = drill
    self.configuration = configuration
    self.logger = logger
    self.notices = notices
    opening = LegOpening(configuration: configuration, logger: logger)
  }

  /// Opens and locks every leg that is there; writes nothing.
  ///
  /// - Throws: a problem with file, line and column for each leg that cannot be used.
  mutating func openLegs() throws(StartupProblem) { try opening.openLegs() }

  /// Makes the legs that are missing, and puts the volumes together.
  ///
  /// - Throws: a problem with file, line and column for the first leg that cannot be made.
  mutating func assemble() throws(StartupProblem) -> [Volume] {
    try assemble(try opening.takeParts())
  }

  private func assemble(_ parts: [VolumeParts]) throws(StartupProblem) -> [Volume] {
    let made = ConditionLock([Int: Result<Volume, StartupProblem>]())
    let maker = self
    SideBySide.each(parts.count) { index in
      let result = Result { () throws(StartupProblem) in try maker.assemble(parts[index]) }
      made.withLock { $0[index] = result }
    }
    let results = made.withLock { $0 }
    var volumes: [Volume] = []
    for index in parts.indices {
      if let volume = try results[index]?.get() { volumes.append(volume) }
    }
    return volumes
  }

  private func assemble(_ parts: VolumeParts) throws(StartupProblem) -> Volume {
    let (volume, legs) = (parts.volume, parts.legs)
    let (name, history) = (volume.name, ChangeHistory())
    let tell = notices.observer(of: name)
    let durable: DurableState
    do throws(DurableProblem) {
      durable = try DurableState(
        DurableOptions(volume, in: configuration),
        legs: legs, created: parts.created, replacing: parts.replacing)
    } catch {
      throw StartupProblem([
        configuration.problem(at: volume.mark, "volume \(name): \(error.text)")
      ])
    }
    for finding in durable.findings {
      logger.log(
        level: finding.isWarning ? .warning : .notice, "volume=\(name.asLogWord) \(finding.text)")
    }
    let mirror = MirrorSet(
      legs: legs, policy: MirrorPolicy(volume), durable: durable,
      observer: { event in
        history.note(event)
        tell(event)
      },
      onFailedRequest: notices.requestObserver(of: name))
    mirror.setRate(bytesPerSecond: volume.resyncRate)
    if volume.readOnly { mirror.setReadOnly() }
    return Volume(
      name: name, mirror: mirror,
      access: VolumeAccess(volume),
      truncatePolicy: TruncatePolicy(volume.truncate), cache: CacheMode(volume.cache),
      drill: drill, history: history)
  }
}

extension MirrorPolicy {
  init(_ volume: VolumeConfiguration) {
    self.init(
      readPolicy: ReadPolicy(volume.readPolicy), writeQuorum: volume.writeQuorum,
      onNoSpace: volume.onNoSpace == .error ? .error : .stale,
      onAllFailed: volume.onAllFailed == .wait ? .wait : .error)
  }
}

extension VolumeAccess {
  init(_ volume: VolumeConfiguration) {
    self.init(
      mode: volume.mode, owner: volume.owner, group: volume.group, isReadOnly: volume.readOnly)
  }
}

extension DurableOptions {
  init(_ volume: VolumeConfiguration, in configuration: MountConfiguration) {
    self.init(
      folder: configuration.stateFolder(of: volume), volume: volume.name,
      intent: IntentChoice(volume), chunk: volume.chunk,
      initialSync: InitialSync(volume.initialSync))
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

extension CacheMode {
  init(_ choice: CacheChoice) {
    switch choice {
    case .writethrough: self = .writethrough
    case .writeback: self = .writeback
    case .none: self = .none
    }
  }
}
