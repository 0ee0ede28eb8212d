/// Swift source with the insides of comments and string literals blanked out, so that a look for
/// words and braces finds code alone. Lines and columns (in bytes) stay what they were; code in
/// `\( )` stays visible.
struct MaskedSource {
  private let input: [UInt8]
  private var output: [UInt8]
  private var place = 0

  /// The masked text, line by line.
  static func lines(of text: String) -> [String] {
    var source = MaskedSource(text)
    source.maskCode(untilParenthesis: false)
    return String(decoding: source.output, as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  private init(_ text: String) {
    input = Array(text.utf8)
    output = input
  }

  private func starts(with word: String) -> Bool {
    input[place] == word.utf8.first && input[place...].starts(with: word.utf8)
  }

  private mutating func blank(_ count: Int = 1) {
    for _ in 0..<count where place < input.count {
      if input[place] != UInt8(ascii: "\n") { output[place] = UInt8(ascii: " ") }
      place += 1
    }
  }

  private mutating func maskCode(untilParenthesis: Bool) {
    var depth = 0
    while place < input.count {
      if starts(with: "//") {
        while place < input.count, input[place] != UInt8(ascii: "\n") { blank() }
      } else if starts(with: "/*") {
        maskBlockComment()
      } else if let hashCount = stringStart() {
        maskString(hashCount: hashCount)
      } else {
        switch input[place] {
        case UInt8(ascii: "("): depth += 1
        case UInt8(ascii: ")"):
          if untilParenthesis, depth == 0 { return }
          depth -= 1
        default: break
        }
        place += 1
      }
    }
  }

  private mutating func maskBlockComment() {
    var depth = 0
    repeat {
      if starts(with: "/*") {
        depth += 1
        blank(2)
      } else if starts(with: "*/") {
        depth -= 1
        blank(2)
      } else {
        blank()
      }
    } while depth > 0 && place < input.count
  }

  /// How many `#` precede the quote of a literal that starts here; nil when none does.
  private func stringStart() -> Int? {
    guard starts(with: "\"") || starts(with: "#") else { return nil }
    let hashes = input[place...].prefix { $0 == UInt8(ascii: "#") }
    let next = place + hashes.count
    return next < input.count && input[next] == UInt8(ascii: "\"") ? hashes.count : nil
  }

  private mutating func maskString(hashCount: Int) {
    let hashes = String(repeating: "#", count: hashCount)
    place += hashCount
    let quote = starts(with: "\"\"\"") ? "\"\"\"" : "\""
    place += quote.utf8.count
    while place < input.count {
      if starts(with: quote + hashes) {
        place += quote.utf8.count + hashCount
        return
      }
      if starts(with: "\\" + hashes + "(") {
        place += 2 + hashCount
        maskCode(untilParenthesis: true)
        place += 1
      } else if starts(with: "\\" + hashes) {
        blank(2 + hashCount)
      } else {
        blank()
      }
    }
  }
}
