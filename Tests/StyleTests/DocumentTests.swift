import Testing

/// Links between our documents.
@Suite struct DocumentTests {
  /// Links to files that are not there.
  static func deadLinks(_ file: TextFile, exists: (String) -> Bool) -> [Finding] {
    let folder = file.path.split(separator: "/").dropLast()
    var isCode = false
    return file.lines.enumerated().flatMap { index, line -> [Finding] in
      if line.hasPrefix("```") { isCode.toggle() }
      if isCode { return [] }
      return line.split(separator: "](", omittingEmptySubsequences: false).dropFirst().compactMap {
        rest in
        let target = rest.prefix { $0 != ")" && $0 != "#" && $0 != " " }
        if target.isEmpty || target.contains("://") || target.hasPrefix("mailto:") { return nil }
        var parts = Array(folder)
        for part in target.split(separator: "/") where part != "." {
          if part != ".." { parts.append(part) } else if !parts.isEmpty { parts.removeLast() }
        }
        if exists(parts.joined(separator: "/")) { return nil }
        return Finding(path: file.path, line: index + 1, what: "the link to \(target)")
      }
    }
  }

  @Test func linksLeadSomewhere() {
    let files = Repository.documents
    expectNone(files.flatMap { Self.deadLinks($0, exists: Repository.exists) }, in: files)
  }

  @Test func deadLinksAreCaught() {
    let file = TextFile(
      path: "docs/a.md", text: "[b](b.md) [c](../c.md#d)\n[e](https://f/g.md) [h](gone.md)\n")
    let there: Set<String> = ["docs/b.md", "c.md"]
    #expect(Self.deadLinks(file, exists: there.contains).map(\.line) == [2])
    let code = TextFile(path: "a.md", text: "```swift\nlet a = [Int](of: 1)\n```\n[b](b.md)\n")
    #expect(Self.deadLinks(code, exists: { _ in false }).map(\.line) == [4])
  }
}
