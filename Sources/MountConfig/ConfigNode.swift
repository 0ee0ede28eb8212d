internal import Yams

/// A YAML node as this module sees it: a place, and text, pairs or items.
struct ConfigNode {
  /// What a scalar was written as.
  enum ScalarKind {
    case null, boolean, integer, string
    /// A float, a date: text for those who want text.
    case otherPlain
    /// A tag of the user's own (`!secret`).
    case tagged
  }

  private let node: Node
  /// Keys that `ConfigTree` had to disguise, by their place.
  private let trueNames: [SourceMark: String]

  init(_ node: Node, trueNames: [SourceMark: String]) {
    self.node = node
    self.trueNames = trueNames
  }

  var mark: SourceMark { node.mark.map(SourceMark.init) ?? .start }

  /// The key-value pairs of a mapping, in file order; nil for any other node.
  var pairs: [(key: ConfigNode, value: ConfigNode)]? {
    guard case .mapping(let mapping) = node, mapping.tag.isPlain(.map) else { return nil }
    return mapping.map { (child($0.key), child($0.value)) }
  }

  /// The items of a sequence; nil for any other node.
  var items: [ConfigNode]? {
    guard case .sequence(let sequence) = node, sequence.tag.isPlain(.seq) else { return nil }
    return sequence.map(child)
  }

  /// A scalar's text as written, whatever its type; nil for any other node.
  var text: String? {
    guard case .scalar(let scalar) = node else { return nil }
    return trueNames[mark] ?? scalar.string
  }

  /// What a scalar was written as; nil for any other node.
  var scalarKind: ScalarKind? {
    guard case .scalar = node else { return nil }
    switch node.tag.rawValue {
    // Quoted text, and `!!str 12`, has this tag from the parser.
    case Tag.Name.str.rawValue: return .string
    case Tag.Name.null.rawValue: return .null
    case Tag.Name.bool.rawValue: return .boolean
    case Tag.Name.int.rawValue: return .integer
    case Tag.Name.float.rawValue, Tag.Name.timestamp.rawValue, Tag.Name.value.rawValue,
      Tag.Name.merge.rawValue, Tag.Name.nonSpecific.rawValue:
      return .otherPlain
    default: return .tagged
    }
  }

  /// `<<`, which merges another mapping in YAML 1.1.
  var isMergeKey: Bool {
    guard case .scalar(let scalar) = node else { return false }
    return scalar.style == .plain && scalar.string == "<<"
  }

  /// The kind of node in words, for "but this is ...".
  var inWords: String {
    switch node {
    case .mapping(let mapping):
      return mapping.tag.isPlain(.map) ? "a mapping" : "a tagged mapping"
    case .sequence(let sequence):
      return sequence.tag.isPlain(.seq) ? "a list" : "a tagged list"
    case .alias: return "an alias"
    case .scalar(let scalar):
      switch scalarKind {
      case .null: return "nothing"
      case .boolean: return "the yes-or-no value \(Quoted.shown(scalar.string))"
      case .integer: return "the number \(Quoted.shown(scalar.string))"
      case .tagged: return "a value with the tag \(Quoted.shown(node.tag.rawValue))"
      default: return "the text \(Quoted(scalar.string))"
      }
    }
  }

  private func child(_ node: Node) -> ConfigNode {
    ConfigNode(node, trueNames: trueNames)
  }
}

extension SourceMark {
  init(_ mark: Mark) {
    self.init(line: mark.line, column: mark.column)
  }
}

extension Tag {
  /// No tag of the user's own: left out, `!`, or the standard one.
  fileprivate func isPlain(_ standard: Tag.Name) -> Bool {
    [Name.implicit, .nonSpecific, standard].contains { $0.rawValue == rawValue }
  }
}
