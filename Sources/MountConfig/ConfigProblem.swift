/// One thing that is wrong with a config file, and what to write instead.
public struct ConfigProblem: Error, CustomStringConvertible, Hashable, Sendable {
  public var mark: SourceMark
  /// What is wrong and what to write instead; no line break at the end.
  public var message: String
  /// The config file's name, as it was given.
  public var file: String

  public init(mark: SourceMark, message: String, file: String) {
    self.mark = mark
    self.message = message
    self.file = file
  }

  /// `FILE:LINE:COLUMN: error: MESSAGE`, the form of a compiler's message, which editors jump to.
  public var description: String {
    "\(file):\(mark.line):\(mark.column): error: \(message)"
  }
}
