import BlockIO
import CLinux
import Logging
import Mirror
import MountConfig

/// Hands the legs of a config's volumes over to the kernel's mirror.
struct TableHandover {
  typealias Table = (name: String, table: MapperTable, isReadOnly: Bool)

  private let configuration: MountConfiguration
  private let source: Int?
  /// Held, so that nobody mounts the config meanwhile.
  private var state: StateDirectory?
  private var handovers: [(volume: VolumeConfiguration, handover: StateHandover)] = []

  /// - Parameter source: the leg that is right; nil: what the state says.
  init(_ configuration: MountConfiguration, source: Int?) {
    self.configuration = configuration
    self.source = source
  }

  /// The tables of all volumes; nothing is written to state or legs.
  ///
  /// - Throws: every reason why there cannot be one, with the volume's place in the config.
  mutating func make() throws(StartupProblem) -> [Table] {
    state = try StateDirectory(of: configuration)
    let log = EventLog(target: .standardError)
    defer { log.end() }
    let logger = Logger(label: "mirrorfs") { _ in EventLogHandler(log: log) }
    var opening = LegOpening(configuration: configuration, logger: logger)
    try opening.openLegs()
    var problems: [ConfigProblem] = []
    var tables: [Table] = []
    for parts in try opening.takeParts() {
      do throws(ConfigProblem) {
        tables.append(
          (parts.volume.name, try table(parts, logger), parts.volume.readOnly))
      } catch {
        problems.append(error)
      }
    }
    guard problems.isEmpty else { throw StartupProblem(problems) }
    return tables
  }

  /// Notes in each volume's state that its legs are somebody else's from now on.
  func note() throws(StartupProblem) {
    for (volume, handover) in handovers where volume.legs.count > 1 {
      do throws(DurableProblem) { try handover.note() } catch {
        throw StartupProblem([problem(volume, error.text)])
      }
    }
  }

  private mutating func table(
    _ parts: VolumeParts, _ logger: Logger
  ) throws(ConfigProblem) -> MapperTable {
    let volume = parts.volume
    for leg in parts.legs { try check(leg, volume) }
    let plan: StateHandover.Plan
    do throws(DurableProblem) {
      let handover = try StateHandover(
        DurableOptions(volume, in: configuration), legs: parts.legs, replacing: parts.replacing)
      for finding in handover.findings where finding.isWarning {
        logger.warning("volume=\(volume.name.asLogWord) \(finding.text)")
      }
      plan = try handover.plan(source: source)
      handovers.append((volume, handover))
    } catch {
      throw problem(volume, error.text)
    }
    if volume.readOnly, !plan.areLegsEqual {
      throw problem(
        volume,
        "it is read_only, but the kernel would have to make the legs equal; mount it "
          + "without `read_only` until `mirrorfs status` says in-sync")
    }
    let legs = plan.order.map { parts.legs[$0] }
    do throws(MapperTable.Refusal) {
      let table = try MapperTable(
        legs: legs.map { MapperTable.Leg(path: $0.name, firstSector: $0.region.sectors.first) },
        sectorCount: volume.sectorCount, chunk: volume.chunk, areLegsEqual: plan.areLegsEqual)
      tell(volume, plan, legs)
      return table
    } catch {
      throw problem(volume, error.text)
    }
  }

  static func fileLeg(_ path: String) -> String {
    "leg \(path) is a file, and the kernel's mirror takes block devices; `losetup --find --show "
      + "\(path)` makes one of it: name that here, and mount once, so that the legs are compared"
  }

  /// What the kernel refuses of a leg.
  private func check(_ leg: Leg, _ volume: VolumeConfiguration) throws(ConfigProblem) {
    guard let file = leg.file, file.device.kind == .blockDevice else {
      throw problem(volume, Self.fileLeg(leg.name))
    }
    var (byteCount, block): (UInt64, UInt32) = (0, 0)
    guard
      unsafe linux_block_device_geometry(file.device.descriptor, &byteCount, &block) == 0, block > 0
    else { return }
    let sectors = leg.region.sectors
    for count in [sectors.first.byteOffset, sectors.count.byteCount]
    where count % UInt64(block) != 0 {
      throw problem(
        volume,
        "start and size of leg \(leg.name) must be multiples of its logical block of "
          + "\(block) bytes for the kernel, and one is \(count)")
    }
  }

  /// What the table cannot say, or says silently.
  private func tell(_ volume: VolumeConfiguration, _ plan: StateHandover.Plan, _ legs: [Leg]) {
    let name = volume.name
    if !plan.areLegsEqual {
      printError(
        "\(name): the kernel copies leg \(plan.order[0]) (\(legs[0].name)) over the others "
          + "before it reads from them")
    }
    if volume.legs.contains(where: \.writeMostly) {
      printError("\(name): the kernel's mirror knows no `write_mostly`: it reads from every leg")
    }
    if volume.writeQuorum > 1 {
      printError("\(name): the kernel's mirror knows no `write_quorum`: one leg is enough for it")
    }
    if volume.readOnly {
      printError("\(name): is read_only; give `dmsetup create` the option `--readonly`")
    }
  }

  private func problem(_ volume: VolumeConfiguration, _ text: String) -> ConfigProblem {
    configuration.problem(at: volume.mark, "volume \(volume.name): \(text)")
  }
}
