/// A mapping whose keys have been checked, read key by key; every problem goes to the log.
struct MappingReader {
  let mark: SourceMark
  let log: ProblemLog
  private var values: [String: ConfigNode] = [:]
  private var mistyped: Set<String> = []

  /// Nil when the node is no mapping, which has then been reported with `advice`.
  init?(_ node: ConfigNode, schema: KeySchema, advice: String, log: ProblemLog) {
    guard
      let pairs = Self.uniquePairs(
        of: node, what: schema.owner, advice: advice, log: log)
    else { return nil }
    mark = node.mark
    self.log = log
    for (key, keyMark, value) in pairs {
      if schema.keys.contains(key) {
        values[key] = value
      } else {
        let problem = schema.problem(ofKey: key)
        log.report(keyMark, problem.message)
        if let meant = problem.meant { mistyped.insert(meant) }
      }
    }
  }

  /// The pairs of a mapping whose keys are texts, each once; nil when the node is no mapping.
  static func uniquePairs(
    of node: ConfigNode, what: String, advice: String, log: ProblemLog
  ) -> [(key: String, mark: SourceMark, value: ConfigNode)]? {
    guard let pairs = node.pairs else {
      log.report(node.mark, "\(what) must be a mapping, but this is \(node.inWords); \(advice)")
      return nil
    }
    var seen: [String: SourceMark] = [:]
    var unique: [(key: String, mark: SourceMark, value: ConfigNode)] = []
    for (key, value) in pairs {
      guard let text = key.text, key.scalarKind != .null, key.scalarKind != .tagged else {
        log.report(key.mark, "a key must be a text, but this is \(key.inWords); \(advice)")
        continue
      }
      guard !key.isMergeKey else {
        log.report(key.mark, "merge keys ('<<') are not supported; write the keys out")
        continue
      }
      if let first = seen[text] {
        log.report(
          key.mark,
          "key \(Quoted(text)) is written twice, first at line \(first.line), column "
            + "\(first.column); keep one of them")
        continue
      }
      seen[text] = key.mark
      unique.append((text, key.mark, value))
    }
    return unique
  }

  /// The value's node; nil when the key is left out.
  func node(_ key: String) -> ConfigNode? { values[key] }

  /// Whether a refused key was probably meant to be this one, so that it is not missed as well.
  func isMistyped(_ key: String) -> Bool { mistyped.contains(key) }

  /// `true` or `false`.
  func flag(_ key: String) -> Setting<Bool> {
    scalar(key, "'true' or 'false'", kinds: [.boolean]) { text, _ in
      switch text.lowercased() {
      case "true": return true
      case "false": return false
      default: return nil
      }
    }
  }

  /// One of the choices' words.
  func choice<Choice: RawRepresentable & CaseIterable>(
    _ key: String, _ type: Choice.Type
  ) -> Setting<Choice> where Choice.RawValue == String {
    let words = Choice.allCases.map(\.rawValue)
    return scalar(key, "one of \(words.joined(separator: ", "))", kinds: nil) { text, _ in
      Choice(rawValue: text)
    }
  }

  /// A text; a bare number, yes-or-no word or nothing is refused.
  func text(_ key: String, _ wanted: String) -> Setting<String> {
    scalar(key, wanted, kinds: [.string, .otherPlain]) { text, _ in text }
      .flatMap { text, mark in
        guard !text.isEmpty, !text.utf8.contains(0) else {
          log.report(mark, "'\(key)' is empty or holds a NUL; write \(wanted)")
          return nil
        }
        return text
      }
  }

  /// A whole number, written bare.
  func number(_ key: String, _ wanted: String) -> Setting<Int> {
    scalar(key, wanted, kinds: [.integer]) { text, _ in
      WholeNumber(text).flatMap { Int(exactly: $0.rawValue) }
    }
  }

  /// Any scalar's text with its kind, for values with rules of their own.
  func written(_ key: String, _ wanted: String) -> Setting<(String, ConfigNode.ScalarKind)> {
    guard let node = values[key] else { return .absent }
    guard let text = node.text, let kind = node.scalarKind, kind != .null, kind != .tagged else {
      reportWrong(key, node, wanted)
      return .broken
    }
    return .given((text, kind), node.mark)
  }

  /// Reads a scalar of some kinds (nil: any but nothing); a nil of `convert` is a wrong value.
  private func scalar<Value>(
    _ key: String, _ wanted: String, kinds: Set<ConfigNode.ScalarKind>?,
    _ convert: (String, SourceMark) -> Value?
  ) -> Setting<Value> {
    guard let node = values[key] else { return .absent }
    guard let text = node.text, let kind = node.scalarKind, kind != .null, kind != .tagged,
      kinds?.contains(kind) ?? true, let value = convert(text, node.mark)
    else {
      reportWrong(key, node, wanted)
      return .broken
    }
    return .given(value, node.mark)
  }

  private func reportWrong(_ key: String, _ node: ConfigNode, _ wanted: String) {
    log.report(node.mark, "'\(key)' must be \(wanted), but this is \(node.inWords)")
  }
}
