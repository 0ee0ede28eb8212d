internal import CLinux
internal import Glibc

/// Puts another path in the place of a leg's in a config file; all else stays as it was written.
public struct ConfigEdit {
  /// Why a config is left as it is.
  public struct Refusal: Error {
    public let text: String
  }

  private let file: String
  private let volume: String
  private let leg: Int
  private let configuration: MountConfiguration

  /// Looks whether the config has this leg.
  public init(_ file: String, volume: String, leg: Int) throws(Refusal) {
    // The file itself, so that a link to it stays one.
    guard let real = unsafe realpath(file, nil) else {
      throw Refusal(text: "\(file): \(ErrnoText.current)")
    }
    defer { unsafe free(real) }
    self.file = unsafe String(cString: real)
    self.volume = volume
    self.leg = leg
    configuration = try Self.load(self.file)
    _ = try Self.leg(leg, of: volume, in: configuration, file)
  }

  /// Writes the new path. The file is replaced at once, and only by one that reads the same but
  /// for this leg.
  public func replacePath(by path: String) throws(Refusal) {
    let mark = try Self.leg(leg, of: volume, in: configuration, file).pathMark
    let advice = "write `path: \(path)` for leg \(leg) of volume \(volume) yourself"
    guard let text = ConfigText.read(file: file, log: ProblemLog(file: file)),
      let edited = Self.text(text, with: path, at: mark)
    else { throw Refusal(text: "\(file): \(advice)") }
    let draft = file + ".new"
    try write(edited, to: draft)
    do throws(Refusal) {
      let found = try Self.load(draft)
      let isRight = zip(found.volumes, configuration.volumes).allSatisfy { new, old in
        new.name == old.name && new.legs.count == old.legs.count
          && zip(new.legs, old.legs).enumerated().allSatisfy { index, legs in
            legs.0.path == (old.name == volume && index == leg ? path : legs.1.path)
          }
      }
      guard isRight, found.volumes.count == configuration.volumes.count else {
        throw Refusal(text: "\(file): \(advice)")
      }
    } catch {
      unsafe unlink(draft)
      throw error
    }
    guard unsafe rename(draft, file) == 0 else {
      throw Refusal(text: "\(file): \(ErrnoText.current)")
    }
  }

  private static func load(_ file: String) throws(Refusal) -> MountConfiguration {
    do throws(ConfigProblems) {
      return try MountConfiguration.load(file: file, mountPoint: nil)
    } catch {
      throw Refusal(text: error.description)
    }
  }

  private static func leg(
    _ leg: Int, of volume: String, in configuration: MountConfiguration, _ file: String
  ) throws(Refusal) -> LegConfiguration {
    guard let legs = configuration.volumes.first(where: { $0.name == volume })?.legs,
      legs.indices.contains(leg)
    else { throw Refusal(text: "\(file) has no leg \(leg) of a volume \(volume)") }
    return legs[leg]
  }

  /// The text with another scalar at `mark`; nil where its end is not to be seen.
  static func text(_ text: String, with path: String, at mark: SourceMark) -> String? {
    var lines = text.unicodeScalars.split(
      separator: "\n", omittingEmptySubsequences: false
    ).map(Array.init)
    guard lines.indices.contains(mark.line - 1) else { return nil }
    let line = lines[mark.line - 1]
    guard line.indices.contains(mark.column - 1) else { return nil }
    let start = mark.column - 1
    guard let end = end(of: line, from: start) else { return nil }
    var quoted = "\""
    for scalar in path.unicodeScalars {
      if scalar == "\"" || scalar == "\\" { quoted.unicodeScalars.append("\\") }
      quoted.unicodeScalars.append(scalar)
    }
    quoted += "\""
    lines[mark.line - 1] =
      Array(line[..<start]) + Array(quoted.unicodeScalars) + Array(line[end...])
    var joined = String.UnicodeScalarView()
    for (index, line) in lines.enumerated() {
      if index > 0 { joined.append("\n") }
      joined.append(contentsOf: line)
    }
    return String(joined)
  }

  /// Where a scalar ends that begins at `start`.
  private static func end(of line: [Unicode.Scalar], from start: Int) -> Int? {
    let quote = line[start]
    if quote == "\"" || quote == "'" {
      var index = start + 1
      while index < line.count {
        if line[index] == "\\", quote == "\"" {
          index += 1
        } else if line[index] == quote {
          return index + 1
        }
        index += 1
      }
      return nil
    }
    var end = start
    while end < line.count {
      let isComment = line[end] == "#" && end > start && line[end - 1] == " "
      if isComment || [",", "}", "]"].contains(line[end]) { break }
      end += 1
    }
    while end > start, [" ", "\r", "\t"].contains(line[end - 1]) { end -= 1 }
    return end > start ? end : nil
  }

  private func write(_ text: String, to path: String) throws(Refusal) {
    var status = stat()
    let mode = unsafe stat(file, &status) == 0 ? status.st_mode & 0o7777 : 0o644
    let descriptor = unsafe linux_open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw Refusal(text: "\(path): \(ErrnoText.current)") }
    defer { close(descriptor) }
    _ = fchmod(descriptor, mode)
    _ = fchown(descriptor, status.st_uid, status.st_gid)
    let isWritten = unsafe Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count
    guard isWritten, fsync(descriptor) == 0 else {
      throw Refusal(text: "\(path): \(ErrnoText.current)")
    }
  }
}
