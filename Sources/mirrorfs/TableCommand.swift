import ArgumentParser
import BlockIO
import Glibc
import MountConfig

struct TableCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dmsetup-table",
    abstract: "Writes volumes as tables for the kernel's mirror, or a config from such tables.",
    discussion: """
      The volumes must not be mounted. What the state says of their legs decides whether the \
      kernel may trust all of them (nosync), or has to copy one that holds everything over the \
      others; where neither is safe, nothing is written. The state then notes that others may \
      write to the legs: the next mount compares them before it trusts them again.

        mirrorfs dmsetup-table volumes.yaml
        dmsetup create db --table "$(mirrorfs dmsetup-table volumes.yaml db.img)"
        dmsetup create --concise "$(mirrorfs dmsetup-table --concise volumes.yaml)"

      With --import the way back: mirrors and linear devices as `dmsetup table` prints them, on \
      standard input or in a file, become a commented config.

        dmsetup table | mirrorfs dmsetup-table --import >volumes.yaml
        dmsetup table db | mirrorfs dmsetup-table --import --name db.img >volumes.yaml
      """)

  @Flag(name: .customLong("import"), help: "Read a table, and write a config.")
  var isImport = false
  @Argument(
    help: "The config file; with --import a file of tables. Default there: -, standard input.",
    completion: .file(extensions: ["yaml", "yml"]))
  var config: String?
  @Argument(help: "Volumes; none: all whose legs are block devices. One alone: without its name.")
  var volumes: [String] = []
  @Flag(help: "One line as `dmsetup create --concise` takes it.") var concise = false
  @Option(
    help: ArgumentHelp(
      "The number of the leg that is right: the kernel copies it over the others.",
      valueName: "leg"))
  var source: Int?
  @Flag(help: "Only look: nothing is noted in the state, so do not use what it prints.")
  var dryRun = false
  @Option(help: "With --import: the volume's name in a line without one.") var name: String?

  func validate() throws {
    if isImport {
      if !volumes.isEmpty || concise || source != nil || dryRun {
        throw ValidationError("--import takes one file, and --name")
      }
      return
    }
    if config == nil {
      throw ValidationError("name a config, or --import to make one of a table")
    }
    if name != nil { throw ValidationError("--name goes with --import") }
    if source != nil, volumes.count != 1 {
      throw ValidationError("--source is about one volume; name it behind the config")
    }
  }

  func run() throws {
    do {
      if isImport { return try printConfig() }
      try printTables()
    } catch let problem as StartupProblem {
      printLines(problem.text)
      throw ExitCode(1)
    }
  }

  private func printConfig() throws {
    let table: MapperImport
    do throws(ConfigProblems) {
      table = try MapperImport.load(file: config ?? "-", name: name)
    } catch {
      printLines(error.description)
      throw ExitCode(1)
    }
    for (name, folder) in table.known {
      printError(
        "warning: \(folder) has the state of an earlier \(name); if the legs were written to since "
          + "without mirrorfs, remove that folder before the first mount")
    }
    print(table.text, terminator: "")
  }

  private func printTables() throws {
    let configuration = try loadConfiguration(config ?? "", mountPoint: nil)
    var tables = TableHandover(try chosen(configuration), source: source)
    let found = try tables.make()
    let lines: [String]
    do throws(MapperTable.Refusal) {
      lines = try found.map { (name, table, isReadOnly) throws(MapperTable.Refusal) in
        if concise { return try table.concise(name: name, isReadOnly: isReadOnly) }
        return volumes.count == 1 ? table.line : "\(name): \(table.line)"
      }
    } catch {
      throw StartupProblem(error.text)
    }
    // First, so that nobody gets a table of which the state knows nothing.
    if !dryRun { try tables.note() }
    print(lines.joined(separator: concise ? ";" : "\n"))
  }

  /// The config with the volumes that are wanted, and can be.
  private func chosen(_ all: MountConfiguration) throws(StartupProblem) -> MountConfiguration {
    var configuration = all
    if let unknown = volumes.first(where: { name in !all.volumes.contains { $0.name == name } }) {
      let names = all.volumes.map(\.name).joined(separator: ", ")
      throw StartupProblem("\(all.file) has no volume \(unknown); it has \(names)")
    }
    if !volumes.isEmpty { configuration.volumes.removeAll { !volumes.contains($0.name) } }
    var problems: [ConfigProblem] = []
    configuration.volumes.removeAll { volume in
      guard let leg = volume.legs.first(where: { !Self.isBlockDevice($0.path) }) else {
        return false
      }
      problems.append(
        all.problem(
          at: leg.pathMark, "volume \(volume.name): \(TableHandover.fileLeg(leg.path))"))
      return true
    }
    guard volumes.isEmpty, !configuration.volumes.isEmpty else {
      if problems.isEmpty { return configuration }
      throw StartupProblem(problems)
    }
    for problem in problems { printError("warning: left out: \(problem.message)") }
    return configuration
  }

  private static func isBlockDevice(_ path: String) -> Bool {
    var status = Glibc.stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFBLK
  }
}
