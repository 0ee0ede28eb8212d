internal import Yams

/// Turns YAML text into nodes, and Yams' errors into problems.
enum ConfigTree {
  /// How many keys written twice are found in one go.
  private static let maximumDuplicates = 64

  /// The file's root node; nil when the text is no YAML or empty, which has then been reported.
  ///
  /// Yams stops at the first mapping with a key written twice and names only its first place. To
  /// go on, that key is disguised (one letter, so that no column moves) and the text parsed again;
  /// `ConfigNode` shows its true name, and the reader of the mapping reports the later ones.
  static func parse(_ text: String, log: ProblemLog) -> ConfigNode? {
    var scalars = Array(text.unicodeScalars)
    var trueNames: [SourceMark: String] = [:]
    while true {
      do {
        guard let root = try compose(yaml: string(scalars), .default, .default, .utf8) else {
          log.report(
            .start, "the config is empty; write at least 'version: 1' and 'volumes:'")
          return nil
        }
        return ConfigNode(root, trueNames: trueNames)
      } catch let error as YamlError {
        guard case .duplicatedKeysInMapping(let names, let context) = error,
          let name = names.first, trueNames.count < maximumDuplicates,
          disguise(name, at: SourceMark(context.mark), in: &scalars, trueNames.count)
        else {
          report(error, log)
          return nil
        }
        trueNames[SourceMark(context.mark)] = name
      } catch {
        log.report(.start, "the YAML cannot be read: \(error)")
        return nil
      }
    }
  }

  /// Puts a private-use letter in the place of the key's first one; false when the key is not
  /// plainly there (an anchor, an escape).
  private static func disguise(
    _ name: String, at mark: SourceMark, in scalars: inout [Unicode.Scalar], _ number: Int
  ) -> Bool {
    guard var index = scalarIndex(of: mark, in: scalars), let first = name.unicodeScalars.first,
      let letter = Unicode.Scalar(0xE000 + UInt32(number))
    else { return false }
    if index < scalars.count, scalars[index] == "\"" || scalars[index] == "'" { index += 1 }
    guard scalars[index...].starts(with: name.unicodeScalars), first != letter else { return false }
    scalars[index] = letter
    return true
  }

  private static func scalarIndex(
    of mark: SourceMark, in scalars: [Unicode.Scalar]
  ) -> Int? {
    var line = 1
    var index = 0
    while line < mark.line {
      guard index < scalars.count else { return nil }
      // The line breaks of YAML 1.1, as libyaml counts them.
      switch scalars[index] {
      case "\r" where index + 1 < scalars.count && scalars[index + 1] == "\n": break
      case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": line += 1
      default: break
      }
      index += 1
    }
    index += mark.column - 1
    return index < scalars.count ? index : nil
  }

  private static func string(_ scalars: [Unicode.Scalar]) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }

  private static func report(_ error: YamlError, _ log: ProblemLog) {
    switch error {
    case .scanner(let context, let problem, let mark, _),
      .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      var message = "not valid YAML: "
      if let context { message += context.text + ": " }
      message += problem
      if let context, context.mark.line != mark.line {
        message += " (begun at line \(context.mark.line), column \(context.mark.column))"
      }
      log.report(SourceMark(mark), message + "; mount-config/README.md shows the form")
    case .reader(let problem, let offset, let value, let yaml):
      let code = value >= 0 ? " (U+\(String(value, radix: 16, uppercase: true)))" : ""
      log.report(
        mark(ofCharacter: offset, in: yaml), "not valid YAML: \(problem)\(code); remove it")
    case .duplicatedKeysInMapping(let names, let context):
      let list = names.map { "\(Quoted($0))" }.joined(separator: ", ")
      log.report(SourceMark(context.mark), "written twice: key \(list); keep one of them")
    default:
      log.report(.start, "the YAML cannot be read: \(error)")
    }
  }

  /// The place of the n-th character, which is how Yams tells where it cannot read.
  private static func mark(ofCharacter offset: Int?, in text: String) -> SourceMark {
    guard let offset else { return .start }
    var mark = SourceMark.start
    for character in text.prefix(offset) {
      if character.isNewline {
        mark = SourceMark(line: mark.line + 1, column: 1)
      } else {
        mark.column += character.unicodeScalars.count
      }
    }
    return mark
  }
}
