internal import BlockIO
internal import Glibc

/// A config made of what `dmsetup table` prints: every mirror of the kernel becomes a volume.
public struct MapperImport {
  private struct Leg {
    let path: String
    let device: String
    let firstSector: UInt64
    let isWriteMostly: Bool
  }

  private struct Volume {
    let name: String
    let device: MapperDevice
    let legs: [Leg]
  }

  private let volumes: [Volume]
  /// Devices that are legs of others, and no volumes of their own.
  private let layers: [String]

  /// Reads a table.
  ///
  /// - Parameters:
  ///   - text: lines with or without `NAME: ` before them; empty ones, and such as begin with `#`,
  ///     say nothing.
  ///   - file: for messages.
  ///   - name: of the volume in a line without a name.
  /// - Throws: everything that is not understood, at once.
  public init(_ text: String, file: String, name: String?) throws(ConfigProblems) {
    try self.init(text, file: file, name: name, node: Self.node(of:))
  }

  /// Reads a file, or standard input for `-`.
  public static func load(file: String, name: String?) throws(ConfigProblems) -> MapperImport {
    let log = ProblemLog(file: file == "-" ? "standard input" : file)
    let text =
      file == "-"
      ? ConfigText.read(descriptor: STDIN_FILENO, log: log) : ConfigText.read(file: file, log: log)
    guard let text else { throw ConfigProblems(log.problems) }
    return try MapperImport(text, file: log.file, name: name)
  }

  /// - Parameter node: the path of the device MAJOR:MINOR; nil when there is none.
  init(
    _ text: String, file: String, name: String?, node: (String) -> String?
  ) throws(ConfigProblems) {
    var problems: [ConfigProblem] = []
    var found: [Volume] = []
    func report(_ mark: SourceMark, _ message: String) {
      problems.append(ConfigProblem(mark: mark, message: message, file: file))
    }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    for (index, text) in lines.enumerated() {
      let text = text.hasSuffix("\r") ? text.dropLast() : text
      if text.allSatisfy(\.isWhitespace) || text.hasPrefix("#") { continue }
      let line = MapperLine(String(text), number: index + 1)
      do throws(MapperProblem) {
        let device = try MapperDevice(line)
        let volume = try Self.volume(device, line, name, node)
        if let twin = found.first(where: { $0.name == volume.name }) {
          throw MapperProblem(
            SourceMark(line: line.number, column: 1),
            "\(Quoted(volume.name)) stands in line \(twin.device.lineNumber) already; leave one "
              + "out, or give it another name")
        }
        found.append(volume)
      } catch {
        report(error.mark, error.message)
      }
    }
    if found.isEmpty, problems.isEmpty {
      report(.start, "there is no table here; pipe in what `dmsetup table` prints, as root")
    }
    guard problems.isEmpty else { throw ConfigProblems(problems) }
    // What stands below a mirror is reached through it; twice would be written twice.
    let legs = Set(found.flatMap { volume in volume.legs.map { RealPath.of($0.path) ?? $0.path } })
    let isLayer = { (volume: Volume) in
      let path = "/dev/mapper/\(volume.name)"
      return legs.contains(RealPath.of(path) ?? path)
    }
    layers = found.filter(isLayer).map(\.name)
    volumes = found.filter { !isLayer($0) }
  }

  private static func volume(
    _ device: MapperDevice, _ line: MapperLine, _ given: String?, _ node: (String) -> String?
  ) throws(MapperProblem) -> Volume {
    let start = SourceMark(line: line.number, column: 1)
    guard let name = device.name ?? given else {
      throw MapperProblem(
        start, "the line has no name; write 'NAME: ' before it, or `--name NAME`")
    }
    let isReserved = [".", "..", ".mirrorfs"].contains(name)
    guard !name.isEmpty, !name.utf8.contains(0x2F), name.utf8.count <= 255, !isReserved else {
      throw MapperProblem(
        start, "\(Quoted(name)) is no name for a volume; write a plain file name, such as db.img")
    }
    var legs: [Leg] = []
    for leg in device.legs {
      guard let path = leg.device.hasPrefix("/") ? leg.device : node(leg.device) else {
        throw MapperProblem(
          leg.mark,
          "there is no device \(Quoted(leg.device)) here; attach it, or write its path, "
            + "such as /dev/sdb")
      }
      legs.append(
        Leg(
          path: path, device: leg.device, firstSector: leg.firstSector,
          isWriteMostly: leg.isWriteMostly))
    }
    return Volume(name: name, device: device, legs: legs)
  }

  /// Where device-mapper's devices are known by name; else the kernel's own name.
  private static func node(of number: String) -> String? {
    let parts = number.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ UInt32($0) != nil }) else { return nil }
    let device = SysfsBlock(number)
    if let name = device.mapperName {
      let path = "/dev/mapper/\(name)"
      if FileStatus(path)?.deviceNumber == number { return path }
    }
    return device.node
  }

  /// The config's text; what has state already, by name, is left to whoever calls.
  public var text: String {
    var lines = [
      "# mirrorfs: from a table of device-mapper",
      "version: 1",
      "# What legs missed is kept here: a folder for this mount alone, and not on a leg.",
      "state_directory: \(ConfigSketch.quoted(stateDirectory))",
      "volumes:",
    ]
    for name in layers { lines.append("  # \(Quoted(name)) is a leg of another, and no volume.") }
    for volume in volumes { lines += Self.lines(volume) }
    return lines.joined(separator: "\n") + "\n"
  }

  private var stateDirectory: String {
    StateDirectory.standard(userID: geteuid(), environment: StateDirectory.environment)
      ?? StateDirectory.ofRoot
  }

  /// Volumes of which there is state from an earlier use, and its folder.
  public var known: [(name: String, folder: String)] {
    volumes.map { ($0.name, "\(stateDirectory)/volumes/\($0.name)") }
      .filter { FileStatus($0.1 + "/state") != nil }
  }

  private static func lines(_ volume: Volume) -> [String] {
    let device = volume.device
    var lines = [
      "  # The kernel lets go of the legs with `dmsetup remove`; the first mount wants that.",
      "  \(ConfigSketch.quoted(volume.name)):    # \(device.target), line \(device.lineNumber)",
      "    size: \(ConfigSketch.size(device.sectorCount))",
      "    legs:",
    ]
    for leg in volume.legs {
      let remark = leg.path == leg.device ? "" : "    # \(leg.device)"
      lines += [
        "      - path: \(ConfigSketch.quoted(leg.path))\(remark)",
        "        start: \(leg.firstSector)",
        "        count: \(device.sectorCount)",
      ]
      if leg.isWriteMostly { lines.append("        write_mostly: true") }
    }
    if let region = device.region, (128...2_097_152).contains(region), region.nonzeroBitCount == 1 {
      lines.append("    chunk: \(ConfigSketch.size(region))    # a region of the kernel's log")
    }
    if volume.legs.count > 1 {
      lines += [
        "    # A table does not tell whether the legs are equal, so they are compared first, and",
        "    # nothing is overwritten: what differs is read from the first leg until you say which",
        "    # one is right (`mirrorfs resync --source LEG`).",
        "    initial_sync: verify",
      ]
    }
    return lines + ["    mode: \"0600\""]
  }
}
