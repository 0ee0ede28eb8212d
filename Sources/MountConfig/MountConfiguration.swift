internal import Glibc

/// A config file, read and checked against the files and devices it names.
public struct MountConfiguration: Sendable {
  /// The config file's name, as it was given.
  public var file: String
  /// Absolute; may not exist yet.
  public var stateDirectory: String
  /// Where `state_directory` stands, or the start of the config when it was left out.
  public var stateDirectoryMark: SourceMark
  public var engine: EngineChoice
  public var transport: TransportChoice
  /// Other users than the one who mounts may use the files (rule F7 still holds).
  public var allowOther: Bool
  /// Whom the mount runs as; nil: the caller.
  public var user: ServiceUser?
  /// Where a record of each failed request goes; absolute.
  public var eventLog: String?
  /// What is run when a state changes; absolute.
  public var onChange: String?
  /// At least one, in file order.
  public var volumes: [VolumeConfiguration]

  /// Reads, parses and surveys the legs; writes nothing.
  ///
  /// - Parameters:
  ///   - file: the config's path; relative paths in it start from its folder.
  ///   - mountPoint: where it will be mounted; no leg may lie inside. Nil when not known.
  /// - Throws: every problem of the file at once.
  public static func load(
    file: String, mountPoint: String?
  ) throws(ConfigProblems) -> MountConfiguration {
    let log = ProblemLog(file: file)
    let configuration = ConfigSurvey(log, mountPoint: mountPoint).load()
    guard let configuration, log.problems.isEmpty else {
      throw ConfigProblems(log.problems)
    }
    return configuration
  }

  /// The folder of a volume's state.
  public func stateFolder(of volume: VolumeConfiguration) -> String {
    "\(stateDirectory)/volumes/\(volume.name)"
  }

  /// A problem found later (a leg in use, say), in the form of those of `load`.
  public func problem(at mark: SourceMark, _ message: String) -> ConfigProblem {
    ConfigProblem(mark: mark, message: message, file: file)
  }
}
