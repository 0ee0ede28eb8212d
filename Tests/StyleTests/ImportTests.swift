import Testing

/// The picture of imports in docs/ARCHITECTURE.md against the imports that are there.
@Suite struct ImportTests {
  /// Everybody may import these.
  private static let common: Set<String> = ["Glibc", "Synchronization"]
  private static let commonInTests = common.union(["Testing", "Foundation"])
  private static let document = "docs/ARCHITECTURE.md"

  /// The lines `Module -> Module Module` of the block that is fenced as `imports`, in their order.
  static func picture(_ text: String) -> [(module: String, imports: Set<String>)] {
    var isInside = false
    var found: [(module: String, imports: Set<String>)] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("```") {
        isInside = line == "```imports"
        continue
      }
      let words = line.split(separator: " ").map(String.init)
      guard isInside, words.count >= 2, words[1] == "->" else { continue }
      found.append((words[0], Set(words.dropFirst(2))))
    }
    return found
  }

  /// The modules that a file imports, by line.
  static func imports(of file: TextFile) -> [(line: Int, module: String)] {
    MaskedSource.lines(of: file.text).enumerated().compactMap { index, line in
      var words = line.split(separator: " ").map(String.init)
      words.removeAll { $0.hasPrefix("@") }
      if let first = words.first, ["public", "package", "internal", "private"].contains(first) {
        words.removeFirst()
      }
      guard words.count >= 2, words[0] == "import" else { return nil }
      let kinds = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
      let name = kinds.contains(words[1]) ? words[words.count - 1] : words[1]
      return (index + 1, String(name.prefix { $0 != "." }))
    }
  }

  /// `Sources/DMIO/IOLane.swift` is of module `DMIO`.
  private static func module(of path: String) -> String {
    let parts = path.split(separator: "/")
    return parts.count > 2 ? String(parts[1]) : ""
  }

  /// What a test target may import: the module that it tests, the backends, and what lies below.
  static func importsOfTests(
    _ target: String, _ picture: [(module: String, imports: Set<String>)]
  ) -> Set<String> {
    let tested = String(target.dropLast("Tests".count))
    var found = Set(picture.map(\.module).filter { $0 == tested || $0.hasPrefix("BlockIO") })
    for (module, imports) in picture where found.contains(module) { found.formUnion(imports) }
    return found
  }

  /// Both ways: an import without an arrow, and an arrow without an import.
  static func differences(
    _ picture: [(module: String, imports: Set<String>)], _ files: [TextFile]
  ) -> [Finding] {
    var findings: [Finding] = []
    var unused = Set(picture.flatMap { arrow in arrow.imports.map { "\(arrow.module) -> \($0)" } })
    for file in files {
      let module = module(of: file.path)
      let isTest = file.path.hasPrefix("Tests/")
      let free = isTest ? commonInTests : common
      let arrows = picture.first { $0.module == module }?.imports ?? []
      let allowed = isTest ? importsOfTests(module, picture) : arrows
      for (line, imported) in imports(of: file) where !free.contains(imported) {
        unused.remove("\(module) -> \(imported)")
        guard !allowed.contains(imported) else { continue }
        findings.append(
          Finding(path: file.path, line: line, what: "no arrow \(module) -> \(imported)"))
      }
    }
    let empty = unused.sorted().map {
      Finding(path: document, line: 1, what: "nobody imports along the arrow \($0)")
    }
    return findings + empty
  }

  /// Arrows to a module that is listed above its importer.
  static func upward(_ picture: [(module: String, imports: Set<String>)]) -> [Finding] {
    let places = Dictionary(
      picture.enumerated().map { ($1.module, $0) }, uniquingKeysWith: { first, _ in first })
    return picture.enumerated().flatMap { index, arrow in
      arrow.imports.sorted().filter { (places[$0] ?? .max) <= index }.map {
        Finding(path: document, line: 1, what: "\(arrow.module) -> \($0) points up")
      }
    }
  }

  @Test func importsAreThePicture() {
    let files = Repository.swiftFiles.filter { $0.path != "Package.swift" }
    let picture = Self.picture(Repository.files.first { $0.path == Self.document }?.text ?? "")
    #expect(!picture.isEmpty, "no block fenced as `imports` in \(Self.document)")
    expectNone(Self.differences(picture, files), in: files)
  }

  @Test func everyArrowPointsDown() {
    let documents = Repository.files.filter { $0.path == Self.document }
    expectNone(documents.flatMap { Self.upward(Self.picture($0.text)) }, in: documents)
  }

  /// All of Foundation comes with the YAML parser anyway; JSON needs its small half.
  static func foundation(in file: TextFile) -> [Finding] {
    imports(of: file).filter { _, module in
      switch module {
      case "Foundation": !file.path.hasPrefix("Sources/MountConfig/")
      case "FoundationEssentials": file.path != "Sources/Volumes/JSONLine.swift"
      default: false
      }
    }.map { Finding(path: file.path, line: $0.line, what: "\($0.module) has no place here") }
  }

  @Test func foundationStaysWhereItIs() {
    let files = Repository.sources
    expectNone(files.flatMap(Self.foundation), in: files)
  }

  @Test func theChecksCatch() {
    let text = "```imports\nA -> B C\nB -> D\n```\nD -> A\n"
    let picture = Self.picture(text)
    #expect(picture.map(\.module) == ["A", "B"])
    func file(_ module: String, _ text: String) -> TextFile {
      TextFile(path: "Sources/\(module)/x.swift", text: text)
    }
    let a = file("A", "public import B\n@testable import struct C.X\n")
    let b = file("B", "// import A\nimport D\nimport Glibc\n")
    #expect(Self.differences(picture, [a, b]).isEmpty)
    #expect(Self.differences(picture, [a]).map(\.what) == ["nobody imports along the arrow B -> D"])
    let up = file("B", "internal import A\n")
    #expect(Self.differences(picture, [a, b, up]).map(\.what) == ["no arrow B -> A"])
    let aTests = TextFile(path: "Tests/ATests/x.swift", text: "import A\nimport D\n")
    #expect(Self.differences(picture, [a, b, aTests]).isEmpty)
    let bTests = TextFile(path: "Tests/BTests/x.swift", text: "import D\nimport A\n")
    #expect(Self.differences(picture, [a, b, bTests]).map(\.line) == [2])
    #expect(Self.upward(picture).isEmpty)
    #expect(Self.upward(Self.picture("```imports\nA -> B\nB -> A\n```\n")).count == 1)
    #expect(Self.foundation(in: file("DMIO", "import Foundation\n")).count == 1)
    #expect(Self.foundation(in: file("DMIO", "internal import FoundationEssentials\n")).count == 1)
    #expect(Self.foundation(in: file("MountConfig", "import Foundation\n")).isEmpty)
  }
}
