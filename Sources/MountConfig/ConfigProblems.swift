/// Everything that is wrong with a config file, found in one go.
public struct ConfigProblems: Error, CustomStringConvertible, Sendable {
  /// Sorted by line, then column; never empty when thrown by `MountConfiguration.load`.
  public var problems: [ConfigProblem]

  public init(_ problems: [ConfigProblem]) {
    // A stable order for equal marks: the order in which they were found.
    self.problems = problems.enumerated()
      .sorted { ($0.element.mark, $0.offset) < ($1.element.mark, $1.offset) }
      .map(\.element)
  }

  /// One problem a line.
  public var description: String {
    problems.map(\.description).joined(separator: "\n")
  }
}
