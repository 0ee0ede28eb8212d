import Testing

/// What the compiler lets through and we do not.
@Suite struct SafetyTests {
  /// `try!`, `as!`, `x!` and `T!`: a `!` right behind a word, bracket or quote.
  static func exclamations(_ file: TextFile) -> [Finding] {
    MaskedSource.lines(of: file.text).enumerated().flatMap { index, line -> [Finding] in
      let bytes = Array(line.utf8)
      return bytes.indices.filter { place in
        guard bytes[place] == UInt8(ascii: "!"), place > 0 else { return false }
        if place + 1 < bytes.count, bytes[place + 1] == UInt8(ascii: "=") { return false }
        let before = Character(UnicodeScalar(bytes[place - 1]))
        return before.isLetter || before.isNumber || "_)]}\"`?>".contains(before)
      }.map { _ in Finding(path: file.path, line: index + 1, what: "a forced value: !") }
    }
  }

  /// A promise to the compiler needs the sentence that makes it true: a comment within 3 lines.
  static func barePromises(_ file: TextFile) -> [Finding] {
    let code = MaskedSource.lines(of: file.text)
    let lines = file.lines
    return code.indices.filter { index in
      guard ["@unchecked Sendable", "nonisolated(unsafe)"].contains(where: code[index].contains)
      else { return false }
      let near = max(0, index - 3)...min(lines.count - 1, index + 3)
      return !near.contains { line in
        guard let start = lines[line].firstRange(of: "//") else { return false }
        let words = lines[line][start.upperBound...]
        return ["Sendable:", "Nonisolated:"].contains { words.contains($0) }
      }
    }.map {
      Finding(path: file.path, line: $0 + 1, what: "no comment says why (`// Sendable: ...`)")
    }
  }

  @Test func nothingIsForced() {
    expectNone(Repository.swiftFiles.flatMap(Self.exclamations), in: Repository.swiftFiles)
  }

  @Test func promisesHaveReasons() {
    expectNone(Repository.swiftFiles.flatMap(Self.barePromises), in: Repository.swiftFiles)
  }

  @Test(arguments: [
    "let a = try! b()", "let a = b!", "a()!.c()", "a[0]!", "let a: Int!", "b as! C",
    "\"\\(a!)\"",
  ])
  func forcedValuesAreCaught(line: String) {
    #expect(Self.exclamations(TextFile(path: "x.swift", text: line)).count == 1)
  }

  @Test(arguments: ["a != b", "a!=b", "!a", "f(!a)", "// wow!", "\"wow!\"", "/* a! */ b"])
  func othersAreNot(line: String) {
    #expect(Self.exclamations(TextFile(path: "x.swift", text: line)).isEmpty)
  }

  @Test func barePromisesAreCaught() {
    func findings(_ text: String) -> [Finding] {
      Self.barePromises(TextFile(path: "x.swift", text: text))
    }
    #expect(findings("class A: @unchecked Sendable {\n").count == 1)
    #expect(findings("/// A class.\nnonisolated(unsafe) var a = 1\n").count == 1)
    #expect(findings("class A: @unchecked Sendable {\n  // Sendable: never shared.\n").isEmpty)
    #expect(findings("// Sendable: no.\n\n\n\nclass A: @unchecked Sendable {\n").count == 1)
    #expect(findings("// Nonisolated: made once.\nnonisolated(unsafe) let a = 1\n").isEmpty)
  }
}
