import ArgumentParser
import MountConfig

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Lists every error of a config; touches nothing.",
    discussion: """
      Exit status: 0 when the config can be mounted, 1 otherwise.

        mirrorfs check volumes.yaml
      """)

  @Argument(help: "The config file.") var config: String

  func run() throws {
    let configuration = try loadConfiguration(config, mountPoint: nil)
    let names = configuration.volumes.map { "\($0.name): \($0.legs.count) legs" }
    print("\(config): ok, " + names.joined(separator: ", "))
  }
}

/// Loads a config, or prints all its problems and ends with status 1.
func loadConfiguration(_ file: String, mountPoint: String?) throws -> MountConfiguration {
  do throws(ConfigProblems) {
    return try MountConfiguration.load(file: file, mountPoint: mountPoint)
  } catch {
    // As they are: programs read FILE:LINE:COLUMN from the start of a line.
    printLines(error.description)
    throw ExitCode(1)
  }
}
