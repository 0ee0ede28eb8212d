internal import Glibc

/// The whole config as written, before anything has looked at the legs.
struct DocumentDraft {
  /// Absolute; absent or broken when it was left out or wrong.
  let stateDirectory: Setting<String>
  /// Where `state_directory` stands, or would.
  let stateDirectoryMark: SourceMark
  let engine: EngineChoice
  let transport: TransportChoice
  let allowOther: Bool
  /// Whom the mount runs as.
  let user: Setting<ServiceUser>
  /// Absolute paths; nil when left out.
  let eventLog: String?
  let onChange: Setting<String>
  let volumes: [VolumeDraft]

  private static let advice = "write 'version: 1' and 'volumes:' at the start of the lines"
  private static let volumesAdvice =
    "write the volume's name and ':' below 'volumes:', and its keys below that"

  /// Nil when the root is no mapping; what is wrong has been reported.
  init?(_ root: ConfigNode, paths: PathBase, log: ProblemLog) {
    guard let keys = MappingReader(root, schema: .document, advice: Self.advice, log: log) else {
      return nil
    }
    Self.checkVersion(keys)
    stateDirectory = keys.text("state_directory", "the path of a folder")
      .flatMap { text, _ in paths.absolute(text) }
    if case .given(_, let mark) = stateDirectory {
      stateDirectoryMark = mark
    } else {
      stateDirectoryMark = keys.mark
    }
    engine = keys.choice("engine", EngineChoice.self).value(or: .auto)
    transport = keys.choice("transport", TransportChoice.self).value(or: .auto)
    allowOther = keys.flag("allow_other").value(or: false)
    user = AccessRights.user(keys)
    eventLog =
      keys.text("event_log", "the path of a file")
      .flatMap { text, _ in paths.absolute(text) }.value
    onChange = keys.text("on_change", "the path of a program")
      .flatMap { text, _ in paths.absolute(text) }
    volumes = Self.volumes(keys, paths)
  }

  private static func checkVersion(_ keys: MappingReader) {
    let version = keys.number("version", "1")
    switch version {
    case .absent where !keys.isMistyped("version"):
      keys.log.report(keys.mark, "'version' is missing; write 'version: 1' as the first line")
    case .given(let number, let mark) where number != 1:
      keys.log.report(
        mark,
        "this mirrorfs reads version 1 of the config, but this is \(number); write 'version: 1'")
    default: break
    }
  }

  private static func volumes(_ keys: MappingReader, _ paths: PathBase) -> [VolumeDraft] {
    guard let node = keys.node("volumes") else {
      if !keys.isMistyped("volumes") {
        keys.log.report(keys.mark, "'volumes' is missing; \(volumesAdvice)")
      }
      return []
    }
    guard
      let pairs = MappingReader.uniquePairs(
        of: node, what: "'volumes'", advice: volumesAdvice, log: keys.log)
    else { return [] }
    if node.pairs?.isEmpty == true {
      keys.log.report(node.mark, "'volumes' is empty; \(volumesAdvice)")
    }
    return pairs.compactMap { VolumeDraft($0.key, $0.mark, $0.value, paths: paths, log: keys.log) }
  }
}
