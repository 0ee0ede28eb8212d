import Testing

/// Names, comments and paths.
@Suite struct WordTests {
  private static let typeWords: Set<String> = [
    "struct", "class", "enum", "actor", "protocol", "typealias",
  ]

  /// Names that say nothing about what the thing does.
  static func emptyNames(_ file: TextFile) -> [Finding] {
    let endings = ["Utils", "Util", "Manager", "Helper", "Helpers"]
    func isEmpty(_ name: Substring) -> Bool { endings.contains { name.hasSuffix($0) } }
    var findings: [Finding] = []
    let last = file.path.split(separator: "/").last ?? ""
    if isEmpty(last.prefix { $0 != "." }) {
      findings.append(Finding(path: file.path, line: 1, what: "the file's name"))
    }
    for (index, line) in MaskedSource.lines(of: file.text).enumerated() {
      let words = line.split { !$0.isLetter && !$0.isNumber && $0 != "_" }
      for (word, name) in zip(words, words.dropFirst())
      where typeWords.contains(String(word)) && isEmpty(name) {
        findings.append(Finding(path: file.path, line: index + 1, what: "the name \(name)"))
      }
    }
    return findings
  }

  /// Public types and functions without a doc comment. Exempt are operators, functions of one line,
  /// and those that a protocol of ours describes.
  static func undocumented(_ file: TextFile, described: Set<String> = []) -> [Finding] {
    let code = MaskedSource.lines(of: file.text)
    let lines = file.lines
    return code.indices.compactMap { index in
      var words = code[index].split(separator: " ").map(String.init)
      words.removeAll { $0.hasPrefix("@") }
      guard words.contains("public") else { return nil }
      let modifiers: Set<String> = [
        "public", "static", "final", "mutating", "nonmutating", "consuming", "borrowing",
        "override", "indirect", "nonisolated", "nonisolated(unsafe)",
      ]
      words.removeAll { modifiers.contains($0) }
      guard words.count >= 2, typeWords.contains(words[0]) || words[0] == "func" else { return nil }
      let name = words[1].prefix { $0.isLetter || $0.isNumber || $0 == "_" }
      if words[0] == "func" {
        let isOneLine = code[index].hasSuffix("}")
        if name.isEmpty || isOneLine || described.contains(String(name)) { return nil }
      }
      var before = index - 1
      while before >= 0, lines[before].drop(while: { $0 == " " }).hasPrefix("@") { before -= 1 }
      let isDocumented = before >= 0 && lines[before].drop(while: { $0 == " " }).hasPrefix("///")
      if isDocumented { return nil }
      return Finding(path: file.path, line: index + 1, what: "no doc comment: \(words[0]) \(name)")
    }
  }

  /// Names of the functions that public protocols describe.
  static func described(in files: [TextFile]) -> Set<String> {
    var names: Set<String> = []
    for file in files where file.text.contains("public protocol ") {
      for line in file.lines where line.hasPrefix("  func ") && !line.hasSuffix("{") {
        names.insert(String(line.dropFirst(7).prefix { $0.isLetter || $0.isNumber }))
      }
    }
    return names
  }

  /// Paths of one machine or one user.
  static func machinePaths(_ file: TextFile) -> [Finding] {
    find(["/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/"], in: file) { before in
      !before.isLetter && !before.isNumber && !"._-}$~*]".contains(before)
    }
  }

  /// Words that put work off.
  static func markers(_ file: TextFile) -> [Finding] {
    let words = ["TO" + "DO", "FIX" + "ME", "X" + "XX"]
    return file.lines.enumerated().flatMap { index, line in
      line.split { !$0.isLetter }.filter { words.contains(String($0)) }.map {
        Finding(path: file.path, line: index + 1, what: "the word \($0)")
      }
    }
  }

  private static func find(
    _ words: [String], in file: TextFile, _ isStart: (Character) -> Bool
  ) -> [Finding] {
    guard words.contains(where: file.text.contains) else { return [] }
    return file.lines.enumerated().flatMap { index, line in
      words.filter { word in
        line.ranges(of: word).contains { range in
          range.lowerBound == line.startIndex || isStart(line[line.index(before: range.lowerBound)])
        }
      }.map { Finding(path: file.path, line: index + 1, what: "the path \($0)...") }
    }
  }

  @Test func namesSaySomething() {
    expectNone(Repository.swiftFiles.flatMap(Self.emptyNames), in: Repository.swiftFiles)
  }

  @Test func publicDeclarationsAreDocumented() {
    let described = Self.described(in: Repository.sources)
    expectNone(
      Repository.sources.flatMap { Self.undocumented($0, described: described) },
      in: Repository.sources)
  }

  @Test func noPathOfAMachine() {
    expectNone(Repository.files.flatMap(Self.machinePaths), in: Repository.files)
  }

  @Test func nothingIsPutOff() {
    expectNone(Repository.files.flatMap(Self.markers), in: Repository.files)
  }

  @Test func theChecksCatch() {
    func file(_ text: String, _ path: String = "x.swift") -> TextFile {
      TextFile(path: path, text: text)
    }
    #expect(Self.emptyNames(file("final class PathUtils {}")).count == 1)
    #expect(Self.emptyNames(file("", "Sources/A/LegManager.swift")).count == 1)
    #expect(Self.emptyNames(file("FileManager.default")).isEmpty)
    #expect(Self.undocumented(file("public struct A {\n")).count == 1)
    #expect(Self.undocumented(file("/// A.\n@safe\npublic struct A {\n")).isEmpty)
    #expect(Self.undocumented(file("  @inlinable public static func a(\n")).count == 1)
    #expect(Self.undocumented(file("  public func a() { b() }\n")).isEmpty)
    #expect(Self.undocumented(file("  public func a() {\n"), described: ["a"]).isEmpty)
    #expect(Self.undocumented(file("  public static func < (a: A, b: A) -> Bool {\n")).isEmpty)
    #expect(Self.machinePaths(file("see /wo" + "rk/main")).count == 1)
    #expect(Self.machinePaths(file("frame" + "/wo" + "rk/main")).isEmpty)
    #expect(Self.markers(file("// TO" + "DO: later")).count == 1)
    #expect(Self.markers(file("mktemp a.XXXXXX")).isEmpty)
  }
}
