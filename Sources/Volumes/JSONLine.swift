internal import FoundationEssentials

/// Documents as one line of JSON with sorted keys.
public enum JSONLine {
  /// - Parameter document: of strings, numbers, lists and structures of these.
  public static func of(_ document: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(document) else {
      preconditionFailure("strings and numbers can always be encoded")
    }
    return String(decoding: data, as: UTF8.self)
  }

  /// Nil for what is no such document.
  public static func read<Document: Decodable>(_ type: Document.Type, _ text: String) -> Document? {
    try? JSONDecoder().decode(type, from: Data(text.utf8))
  }
}
