import Testing

/// What fits on a screen is read; the rest is scrolled past.
@Suite struct SizeTests {
  static let mostFileLines = 400
  static let mostFunctionLines = 70
  static let mostColumns = 100

  static func longFiles(_ file: TextFile) -> [Finding] {
    let count = file.text.hasSuffix("\n") ? file.lines.count - 1 : file.lines.count
    guard count > mostFileLines else { return [] }
    return [Finding(path: file.path, line: count, what: "\(count) lines in one file")]
  }

  static func longLines(_ file: TextFile) -> [Finding] {
    file.lines.enumerated().filter { $1.count > mostColumns }.map {
      Finding(path: file.path, line: $0 + 1, what: "\($1.count) columns")
    }
  }

  /// Functions by their braces: from the last `func` (or `init`, ...) before a `{` to its `}`.
  static func longFunctions(_ file: TextFile) -> [Finding] {
    let words: Set<String> = ["func", "init", "deinit", "subscript"]
    var findings: [Finding] = []
    var open: [Int?] = []
    var start: Int?
    for (index, line) in MaskedSource.lines(of: file.text).enumerated() {
      var word = ""
      for character in line + " " {
        if character.isLetter {
          word.append(character)
          continue
        }
        if words.contains(word) { start = index }
        word = ""
        switch character {
        case "{":
          open.append(start)
          start = nil
        case "}":
          start = nil
          guard let opened = open.popLast() ?? nil else { continue }
          let count = index - opened + 1
          if count > mostFunctionLines {
            findings.append(
              Finding(path: file.path, line: opened + 1, what: "a function of \(count) lines"))
          }
        default: break
        }
      }
    }
    return findings
  }

  @Test func filesAreShort() {
    let files = Repository.files.filter { !$0.path.hasSuffix(".md") }
    expectNone(files.flatMap(Self.longFiles), in: files)
  }

  @Test func functionsAreShort() {
    expectNone(Repository.swiftFiles.flatMap(Self.longFunctions), in: Repository.swiftFiles)
  }

  @Test func linesAreShort() {
    expectNone(Repository.swiftFiles.flatMap(Self.longLines), in: Repository.swiftFiles)
  }

  @Test func theChecksCatch() {
    func file(_ text: String) -> TextFile { TextFile(path: "x.swift", text: text) }
    #expect(Self.longFiles(file(String(repeating: "\n", count: 400))).isEmpty)
    #expect(Self.longFiles(file(String(repeating: "\n", count: 401))).count == 1)
    #expect(Self.longLines(file(String(repeating: "é", count: 100))).isEmpty)
    #expect(Self.longLines(file("a\n" + String(repeating: "é", count: 101))).first?.line == 2)
    let body = String(repeating: "  work { $0 }\n", count: 68)
    #expect(Self.longFunctions(file("func a() {\n\(body)}\n")).isEmpty)
    #expect(Self.longFunctions(file("func a() {\n\(body)\n}\n")).first?.line == 1)
    #expect(Self.longFunctions(file("struct A {\n init(\n) {\n\(body)}\n}\n")).first?.line == 2)
    #expect(Self.longFunctions(file("enum A {\n\(body)\n\n}\n")).isEmpty)
    let tricky = "func a() {\n  let b = \"}\" // }\n\(body)}\n"
    #expect(Self.longFunctions(file(tricky)).count == 1)
  }
}
