import BlockIO
import BlockIOFaults
import DMIO
import Glibc
import Logging
import Mirror
import MountConfig
import VolumeFS
import Volumes

/// Takes a config over that has changed while it is mounted (SIGHUP): volumes come, go when nobody
/// has them open, and are treated otherwise. A config with any mistake changes nothing.
final class Reload: Sendable {
  private let mountPoint: String
  private let fileSystem: VolumeFileSystem
  private let keepers: VolumeKeepers
  private let client: IOClient
  private let logger: Logger
  private let notices: Notices
  private let drill: FaultDrill
  /// Absolute: the current folder is another one by the time it is read again.
  private let file: String
  /// What is mounted now.
  private let configuration: ConditionLock<MountConfiguration>

  init(
    _ configuration: MountConfiguration, mountPoint: String, fileSystem: VolumeFileSystem,
    keepers: VolumeKeepers, client: IOClient, logger: Logger, notices: Notices,
    drill: FaultDrill
  ) {
    self.drill = drill
    if let path = unsafe realpath(configuration.file, nil) {
      file = unsafe String(cString: path)
      unsafe free(path)
    } else {
      file = configuration.file
    }
    self.configuration = ConditionLock(configuration)
    self.mountPoint = mountPoint
    self.fileSystem = fileSystem
    self.keepers = keepers
    self.client = client
    self.logger = logger
    self.notices = notices
  }

  /// Reads the config again. One caller at a time.
  func run() {
    let old = configuration.withLock { $0 }
    let new: MountConfiguration
    do throws(ConfigProblems) {
      new = try MountConfiguration.load(file: file, mountPoint: mountPoint)
      // The command line's word for it counts.
    } catch {
      return refuse(error.problems)
    }
    let problems = fixed(old, new)
    if !problems.isEmpty { return refuse(problems) }
    var added = new
    added.volumes = new.volumes.filter { volume in !old.volumes.contains { $0.name == volume.name }
    }
    var assembly = VolumeAssembly(
      configuration: added, logger: logger, notices: notices, drill: drill)
    let volumes: [Volume]
    do throws(StartupProblem) {
      try assembly.openLegs()
      volumes = try assembly.assemble()
    } catch {
      logger.error("reload=refused \(error.text)")
      return
    }
    let removed = remove(
      old.volumes.filter { volume in
        !new.volumes.contains { $0.name == volume.name }
      })
    for volume in new.volumes { change(volume, from: old) }
    keepers.change(adding: volumes, removing: [])
    fileSystem.change(adding: volumes, removing: removed)
    keepers.change(adding: [], removing: removed)
    retire(removed)
    let names = Set(fileSystem.table.volumes.map(\.name))
    configuration.withLock { current in
      current = new
      // One that is still in use stays what it was.
      current.volumes += old.volumes.filter { volume in
        names.contains(volume.name) && !new.volumes.contains { $0.name == volume.name }
      }
    }
    let words = [("added", volumes), ("removed", removed)].map { word, volumes in
      "\(word)=\(volumes.isEmpty ? "none" : volumes.map(\.name).joined(separator: ",").asLogWord)"
    }
    notices.noteChange()
    logger.notice("reload=done \(words.joined(separator: " "))")
  }

  private func refuse(_ problems: [ConfigProblem]) {
    for problem in problems { logger.error("reload=refused \(problem.description)") }
  }

  /// What cannot change while it is mounted.
  private func fixed(_ old: MountConfiguration, _ new: MountConfiguration) -> [ConfigProblem] {
    var problems: [ConfigProblem] = []
    func check(_ isSame: Bool, _ mark: SourceMark, _ what: String) {
      if isSame { return }
      problems.append(new.problem(at: mark, "\(what) cannot change while mounted; unmount first"))
    }
    let top = SourceMark(line: 1, column: 1)
    check(old.stateDirectory == new.stateDirectory, new.stateDirectoryMark, "'state_directory'")
    check(old.engine == new.engine, top, "'engine'")
    check(old.transport == new.transport, top, "'transport'")
    check(old.eventLog == new.eventLog, top, "'event_log'")
    check(old.onChange == new.onChange, top, "'on_change'")
    check(old.allowOther == new.allowOther, top, "'allow_other'")
    check(old.user == new.user, top, "'user'")
    for volume in new.volumes {
      guard let before = old.volumes.first(where: { $0.name == volume.name }) else {
        let fits = (volume.cache == .writeback) == fileSystem.gathersWrites
        check(
          fits || volume.cache == .none || volume.readOnly, volume.mark,
          "whether the mount has volumes with 'cache: writeback'")
        continue
      }
      check(before.sectorCount == volume.sectorCount, volume.mark, "the size")
      check(before.readOnly == volume.readOnly, volume.mark, "'read_only'")
      check(before.intent == volume.intent, volume.mark, "'intent'")
      check(before.chunk == volume.chunk, volume.mark, "'chunk'")
      check(before.cache == volume.cache, volume.mark, "'cache'")
      check(isSame(before, volume), volume.mark, "the legs (`mirrorfs replace` changes one)")
    }
    return problems
  }

  /// Whether the legs are those that were there, or those that have replaced them.
  private func isSame(_ old: VolumeConfiguration, _ new: VolumeConfiguration) -> Bool {
    guard let number = fileSystem.table.number(of: new.name),
      let legs = fileSystem.table[number]?.mirror.legs, old.legs.count == new.legs.count
    else { return false }
    return zip(zip(old.legs, legs), new.legs).allSatisfy { pair, new in
      let (before, now) = pair
      let isAsWritten = new.path == before.path && new.firstSector == before.firstSector
      let isAsMounted = new.path == now.name && new.firstSector == now.region.sectors.first
      return (isAsWritten || isAsMounted) && new.access == before.access
    }
  }

  /// The volumes that nobody has open, and that nobody can open any more.
  private func remove(_ configurations: [VolumeConfiguration]) -> [Volume] {
    let table = fileSystem.table
    return configurations.compactMap { configuration in
      guard let number = table.number(of: configuration.name), let volume = table[number] else {
        return nil
      }
      if volume.remove() { return volume }
      logger.warning(
        "volume=\(volume.name.asLogWord) reload=kept reason=\"in use; gone with the next reload\"")
      return nil
    }
  }

  /// Treats a volume that was there as the config says now.
  private func change(_ new: VolumeConfiguration, from old: MountConfiguration) {
    guard old.volumes.contains(where: { $0.name == new.name }),
      let number = fileSystem.table.number(of: new.name), let volume = fileSystem.table[number]
    else { return }
    volume.set(VolumeAccess(new), TruncatePolicy(new.truncate))
    fileSystem.noteChange(of: volume)
    volume.mirror.setRate(bytesPerSecond: new.resyncRate)
    do {
      try client.withLane { (lane) throws(Errno) in
        try volume.mirror.setPolicy(
          MirrorPolicy(new), legs: new.legs.map { ($0.writeMostly, $0.deadlineMilliseconds) },
          on: lane)
      }.get()
    } catch {
      logger.error("volume=\(volume.name.asLogWord) reload=incomplete reason=\"\(error)\"")
    }
  }

  private func retire(_ removed: [Volume]) {
    for volume in removed {
      do {
        try client.withLane { (lane) throws(Errno) in try volume.mirror.retire(on: lane) }.get()
      } catch {
        logger.error("volume=\(volume.name.asLogWord) last flush or state: \(error)")
      }
    }
  }
}
