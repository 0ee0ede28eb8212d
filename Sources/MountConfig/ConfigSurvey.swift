internal import BlockIO
internal import Glibc

/// Takes a config file from text to checked values; every problem goes to the log.
struct ConfigSurvey {
  private let log: ProblemLog
  private let mountPoint: MountPointCheck?

  init(_ log: ProblemLog, mountPoint: String?) {
    self.log = log
    self.mountPoint = mountPoint.map(MountPointCheck.init)
  }

  /// The values; of no use when the log holds a problem.
  func load() -> MountConfiguration? {
    let paths = PathBase(configFile: log.file)
    guard let text = ConfigText.read(file: log.file, log: log),
      let root = ConfigTree.parse(text, log: log),
      let draft = DocumentDraft(root, paths: paths, log: log)
    else { return nil }
    let stateDirectory = stateDirectory(draft)
    var overlaps = OverlapCheck()
    let volumes = draft.volumes.compactMap { volume($0, &overlaps) }
    overlaps.report(to: log)
    CacheCheck.report(draft.volumes, to: log)
    guard let stateDirectory, volumes.count == draft.volumes.count else { return nil }
    return MountConfiguration(
      file: log.file, stateDirectory: stateDirectory,
      stateDirectoryMark: draft.stateDirectoryMark, engine: draft.engine,
      transport: draft.transport, allowOther: draft.allowOther, eventLog: draft.eventLog,
      onChange: draft.onChange, volumes: volumes)
  }

  private func stateDirectory(_ draft: DocumentDraft) -> String? {
    let path: String
    switch draft.stateDirectory {
    case .broken: return nil
    case .given(let given, _): path = given
    case .absent:
      guard
        let standard = StateDirectory.standard(
          userID: geteuid(), environment: StateDirectory.environment)
      else {
        log.report(
          draft.stateDirectoryMark,
          "neither XDG_STATE_HOME nor HOME is set; write 'state_directory:' with a folder")
        return nil
      }
      path = standard
    }
    let problem =
      StateDirectory.problem(path)
      ?? mountPoint?.problem("the state directory", [RealPath.ofExistingPart(path)])
    if let problem { log.report(draft.stateDirectoryMark, problem) }
    return path
  }

  private func volume(
    _ draft: VolumeDraft, _ overlaps: inout OverlapCheck
  ) -> VolumeConfiguration? {
    let surveys = draft.legs.map { leg in
      leg.flatMap { LegSurvey.of($0, readOnly: draft.readOnly, log: log) }
    }
    let sizing = VolumeSizing(draft, surveys, log: log)
    var legs: [LegConfiguration] = []
    for (index, leg) in draft.legs.enumerated() {
      guard let leg, let survey = surveys[index], let (path, mark) = leg.located else { continue }
      if let problem = mountPoint?.problem("the leg", survey.ground.paths) {
        log.report(mark, problem)
      }
      guard let region = sizing.regions[index] else { continue }
      overlaps.add(leg, index: index, of: draft.name, survey.ground, region)
      legs.append(
        LegConfiguration(
          path: path, mark: leg.mark, pathMark: leg.located?.mark ?? leg.mark,
          firstSector: region.first, sectorCount: region.count,
          create: leg.create.value(or: false), writeMostly: leg.writeMostly, access: leg.access,
          deadlineMilliseconds: leg.deadlineMilliseconds))
    }
    guard let sectorCount = sizing.sectorCount, legs.count == draft.legs.count else { return nil }
    return VolumeConfiguration(
      name: draft.name, mark: draft.mark, sectorCount: sectorCount, legs: legs,
      readPolicy: draft.readPolicy, writeQuorum: draft.writeQuorum, mode: draft.mode,
      owner: draft.owner, group: draft.group, truncate: draft.truncate, readOnly: draft.readOnly,
      initialSync: draft.initialSync, intent: draft.intent, chunk: SectorCount(draft.chunk),
      resyncRate: draft.resyncRate, onNoSpace: draft.onNoSpace,
      onAllFailed: draft.onAllFailed, cache: draft.cache.value(or: .writethrough))
  }
}
