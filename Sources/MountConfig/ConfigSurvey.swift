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
    guard case .given(let user, let mark) = draft.user, user.userID != geteuid() else {
      return survey(draft, as: draft.user.value)
    }
    guard geteuid() == 0 else {
      log.report(
        mark,
        "only root can make the mount run as \(Quoted(user.name)); start mirrorfs as root or as "
          + "that user, or leave 'user' out")
      return nil
    }
    log.userName = user.name
    let surveyed = user.acting { survey(draft, as: user) }
    if surveyed == nil {
      log.report(mark, "cannot act as user \(Quoted(user.name)): \(ErrnoText.current)")
    }
    return surveyed ?? nil
  }

  /// Looks at what the config names, with the rights of whom the mount runs as.
  private func survey(_ draft: DocumentDraft, as user: ServiceUser?) -> MountConfiguration? {
    let stateDirectory = stateDirectory(draft)
    checkFiles(draft)
    var overlaps = OverlapCheck()
    let volumes = draft.volumes.compactMap { volume($0, &overlaps) }
    overlaps.report(to: log)
    CacheCheck.report(draft.volumes, to: log)
    guard let stateDirectory, volumes.count == draft.volumes.count else { return nil }
    return MountConfiguration(
      file: log.file, stateDirectory: stateDirectory,
      stateDirectoryMark: draft.stateDirectoryMark, engine: draft.engine,
      transport: draft.transport, allowOther: draft.allowOther, user: user,
      eventLog: draft.eventLog, onChange: draft.onChange.value, volumes: volumes)
  }

  /// The program of `on_change`, and the config itself, which is read again at SIGHUP.
  private func checkFiles(_ draft: DocumentDraft) {
    if case .given(let path, let mark) = draft.onChange,
      FileStatus(path)?.kind != .regular || !FileStatus.allows(path, X_OK)
    {
      log.report(
        mark, "\(Quoted(path)) is no program that can be run\(log.byWhom); make it executable")
    }
    if case .given(_, let mark) = draft.user, !FileStatus.allows(log.file, R_OK) {
      log.report(
        mark,
        "this config cannot be read\(log.byWhom): \(ErrnoText.current); it is read again at "
          + "SIGHUP; change its permissions")
    }
  }

  private func stateDirectory(_ draft: DocumentDraft) -> String? {
    let path: String
    switch draft.stateDirectory {
    case .broken: return nil
    case .given(let given, _): path = given
    case .absent:
      // A service has root's, whoever started it: it must be the same one at SIGHUP.
      let userID = draft.user.isAbsent ? geteuid() : 0
      guard
        let standard = StateDirectory.standard(
          userID: userID, environment: StateDirectory.environment)
      else {
        log.report(
          draft.stateDirectoryMark,
          "neither XDG_STATE_HOME nor HOME is set; write 'state_directory:' with a folder")
        return nil
      }
      path = standard
    }
    let problem =
      StateDirectory.problem(path, byWhom: log.byWhom)
      ?? StateDirectory.problem(path, volumes: draft.volumes.map(\.name), byWhom: log.byWhom)
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
      owner: draft.owner ?? geteuid(), group: draft.group ?? getegid(), truncate: draft.truncate,
      readOnly: draft.readOnly,
      initialSync: draft.initialSync, intent: draft.intent, chunk: SectorCount(draft.chunk),
      resyncRate: draft.resyncRate, onNoSpace: draft.onNoSpace,
      onAllFailed: draft.onAllFailed, cache: draft.cache.value(or: .writethrough))
  }
}
