/// A line of `dmsetup table` as words, each with its place, read from left to right.
struct MapperLine {
  struct Word {
    let text: String
    /// From 1.
    let column: Int
  }

  /// From 1.
  let number: Int
  /// Nil for a line without `NAME: ` before it.
  let name: String?
  private var words: [Word]
  private var next = 0
  private let endColumn: Int

  init(_ text: String, number: Int) {
    self.number = number
    let scalars = Array(text.unicodeScalars)
    endColumn = scalars.count + 1
    let all = Self.words(scalars, from: 0)
    if Self.isTable(all) {
      name = nil
      words = all
      return
    }
    // The name ends at the first colon behind which a table begins, or with the line.
    var found: (name: String, words: [Word])?
    for index in scalars.indices where scalars[index] == ":" && found == nil {
      let rest = Self.words(scalars, from: index + 1)
      guard rest.isEmpty || Self.isTable(rest) else { continue }
      found = (Self.string(scalars[..<index]), rest)
    }
    name = found?.name
    words = found?.words ?? all
  }

  /// A table begins with two numbers and a word.
  private static func isTable(_ words: [Word]) -> Bool {
    words.count >= 3 && words[..<2].allSatisfy { isNumber($0.text) } && !isNumber(words[2].text)
  }

  private static func isNumber(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
  }

  private static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars)
    return String(text)
  }

  /// Words between white space; a backslash takes the next character as it is.
  private static func words(_ scalars: [Unicode.Scalar], from start: Int) -> [Word] {
    var words: [Word] = []
    var index = start
    while index < scalars.count {
      if scalars[index].properties.isWhitespace {
        index += 1
        continue
      }
      let first = index
      var text = String.UnicodeScalarView()
      while index < scalars.count, !scalars[index].properties.isWhitespace {
        if scalars[index] == "\\", index + 1 < scalars.count { index += 1 }
        text.append(scalars[index])
        index += 1
      }
      words.append(Word(text: String(text), column: first + 1))
    }
    return words
  }

  var isAtEnd: Bool { next == words.count }

  /// The next word, which stays the next one; nil at the end.
  var peeked: Word? { isAtEnd ? nil : words[next] }

  /// Where the next word is, or would be.
  var mark: SourceMark { mark(peeked) }

  /// - Parameter word: one of this line; nil: its end.
  func mark(_ word: Word?) -> SourceMark {
    SourceMark(line: number, column: word?.column ?? endColumn)
  }

  /// - Parameter what: what has to stand here, for the message.
  mutating func word(_ what: String) throws(MapperProblem) -> Word {
    guard let word = peeked else {
      throw MapperProblem(
        mark, "the line ends where \(what) should be; take it as dmsetup prints it")
    }
    next += 1
    return word
  }

  mutating func whole(_ what: String) throws(MapperProblem) -> UInt64 {
    let word = try word(what)
    guard Self.isNumber(word.text), let value = UInt64(word.text) else {
      throw MapperProblem(
        mark(word), "\(Quoted(word.text)) is not \(what); take the line as dmsetup prints it")
    }
    return value
  }

  /// A number of words, and that many words.
  mutating func counted(_ what: String) throws(MapperProblem) -> [Word] {
    let count = try whole("the number of \(what)")
    var found: [Word] = []
    for _ in 0..<min(count, UInt64(words.count)) { found.append(try word("one of \(what)")) }
    return found
  }
}

/// What is wrong with a line, and what to write instead.
struct MapperProblem: Error {
  let mark: SourceMark
  let message: String

  init(_ mark: SourceMark, _ message: String) {
    self.mark = mark
    self.message = message
  }
}
