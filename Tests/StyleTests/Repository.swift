import Foundation
import Testing

/// A text file of the repository, by its path from the top.
struct TextFile: Sendable {
  let path: String
  let text: String

  /// Lines without their ends; the first is line 1.
  var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
}

/// The repository that this file lies in.
enum Repository {
  static let root: String = {
    var url = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { url.deleteLastPathComponent() }
    return url.path
  }()

  /// Folders that hold what we wrote, and files at the top.
  private static let places = [
    "Sources", "Tests", "integration", "docs", "mount-config", "Benchmarks", ".ci",
    "Package.swift", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", ".swift-format",
    ".editorconfig", ".gitignore",
  ]

  /// Every text file of ours.
  static let files: [TextFile] = places.flatMap { place in
    var isFolder: ObjCBool = false
    let full = root + "/" + place
    guard unsafe FileManager.default.fileExists(atPath: full, isDirectory: &isFolder) else {
      return [TextFile]()
    }
    guard isFolder.boolValue else { return [read(place)].compactMap(\.self) }
    let below = FileManager.default.enumerator(atPath: full)?.compactMap { $0 as? String } ?? []
    return below.sorted().compactMap { read(place + "/" + $0) }
  }

  static var swiftFiles: [TextFile] { files.filter { $0.path.hasSuffix(".swift") } }
  static var sources: [TextFile] { swiftFiles.filter { $0.path.hasPrefix("Sources/") } }
  static var documents: [TextFile] { files.filter { $0.path.hasSuffix(".md") } }

  /// Nil for folders and for what is not text.
  private static func read(_ path: String) -> TextFile? {
    guard let data = FileManager.default.contents(atPath: root + "/" + path), !data.contains(0)
    else { return nil }
    return TextFile(path: path, text: String(decoding: data, as: UTF8.self))
  }

  static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root + "/" + path)
  }
}

/// A place that breaks a rule.
struct Finding: CustomStringConvertible {
  let path: String
  let line: Int
  let what: String
  var description: String { "\(path):\(line): \(what)" }
}

/// Records every finding, and that there was something to look at.
func expectNone(_ findings: [Finding], in files: [TextFile]) {
  #expect(!files.isEmpty, "no files were found below \(Repository.root)")
  for finding in findings { Issue.record("\(finding)") }
}

@Test func repositoryIsFound() {
  #expect(Repository.exists("Package.swift"))
  #expect(Repository.sources.count > 20)
}
