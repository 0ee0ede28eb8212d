/// Collects the problems of one file while it is read, so that all are shown at once.
final class ProblemLog {
  /// The config file's name, as it was given.
  let file: String
  private(set) var problems: [ConfigProblem] = []
  /// Whose rights the files are looked at with, where it is not the caller's.
  var userName: String?
  /// For "cannot be read ...": empty for the caller.
  var byWhom: String { userName.map { " by user \(Quoted($0))" } ?? "" }

  init(file: String) {
    self.file = file
  }

  func report(_ mark: SourceMark, _ message: String) {
    problems.append(ConfigProblem(mark: mark, message: message, file: file))
  }

  /// The place as text, for a message about another place of the same file.
  func place(_ mark: SourceMark) -> String {
    "\(file):\(mark.line):\(mark.column)"
  }
}
