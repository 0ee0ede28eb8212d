import ArgumentParser
import BlockIO
import MountConfig
import Volumes

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Lists every error of a config; touches nothing.",
    discussion: """
      Exit status: 0 when the config can be mounted, 1 otherwise.

        mirrorfs check volumes.yaml
        mirrorfs check volumes.yaml --json
      """)

  @Argument(help: "The config file.", completion: .file(extensions: ["yaml", "yml"]))
  var config: String
  @Flag(help: "The result as JSON, errors included.") var json = false

  func run() throws {
    if json { return try printDocument() }
    let configuration = try loadConfiguration(config, mountPoint: nil)
    let names = configuration.volumes.map { "\($0.name): \($0.legs.count) legs" }
    print("\(config): ok, " + names.joined(separator: ", "))
  }
}

/// What `mirrorfs check --json` prints. Keys are added, never renamed or removed.
private struct CheckDocument: Encodable {
  struct Problem: Encodable {
    let line: Int
    let column: Int
    let message: String
  }
  struct Volume: Encodable {
    let name: String
    let byteCount: UInt64
    let legs: [String]

    enum CodingKeys: String, CodingKey {
      case name, legs
      case byteCount = "byte_count"
    }
  }

  var version = 1
  let config: String
  var problems: [Problem] = []
  var volumes: [Volume] = []
}

extension CheckCommand {
  private func printDocument() throws {
    var document = CheckDocument(config: config)
    do throws(ConfigProblems) {
      let configuration = try MountConfiguration.load(file: config, mountPoint: nil)
      document.volumes = configuration.volumes.map { volume in
        CheckDocument.Volume(
          name: volume.name, byteCount: volume.sectorCount.byteCount, legs: volume.legs.map(\.path))
      }
    } catch {
      document.problems = error.problems.map { problem in
        CheckDocument.Problem(
          line: problem.mark.line, column: problem.mark.column, message: problem.message)
      }
    }
    print(JSONLine.of(document))
    if !document.problems.isEmpty { throw ExitCode(1) }
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
