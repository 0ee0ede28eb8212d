/// Text of the user's inside a message: in quotes, on one line, not endless.
struct Quoted: CustomStringConvertible {
  private static let maximumLength = 100

  let description: String

  init(_ text: String) {
    description = "'\(Self.shown(text))'"
  }

  /// The same without quotes, for numbers and tags.
  static func shown(_ text: some StringProtocol) -> String {
    var shown = ""
    for scalar in text.unicodeScalars.prefix(maximumLength) {
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator:
        shown += "\\u{\(String(scalar.value, radix: 16))}"
      default:
        shown.unicodeScalars.append(scalar)
      }
    }
    return text.unicodeScalars.count > maximumLength ? shown + "..." : shown
  }
}
