import Foundation
import Glibc
import MountConfig
import Testing

/// A folder of its own with two legs, `a.img` and `b.img` of 1 MiB; gone when the test ends.
final class ConfigFixture {
  /// Real and absolute.
  let folder: String
  static let legByteCount: UInt64 = 1 << 20

  init() throws {
    let name = "mirrorfs-config-\(UUID().uuidString)"
    let base = FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path
    folder = base + "/" + name
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try makeFile("a.img", Self.legByteCount)
    try makeFile("b.img", Self.legByteCount)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: folder)
  }

  func path(_ name: String) -> String { "\(folder)/\(name)" }

  /// Makes a sparse file.
  func makeFile(_ name: String, _ byteCount: UInt64) throws {
    try Data().write(to: URL(filePath: path(name)))
    let file = try FileHandle(forWritingTo: URL(filePath: path(name)))
    try file.truncate(atOffset: byteCount)
    try file.close()
  }

  func makeFolder(_ name: String) throws {
    try FileManager.default.createDirectory(
      atPath: path(name), withIntermediateDirectories: true)
  }

  func makeLink(_ name: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: path(name), withDestinationPath: target)
  }

  func makeFifo(_ name: String) throws {
    try #require(unsafe mkfifo(path(name), 0o600) == 0)
  }

  func setPermissions(_ name: String, _ mode: Int) throws {
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path(name))
  }

  /// Loads the text as a config in the fixture's folder.
  func load(
    _ text: String, mountPoint: String? = nil
  ) throws(ConfigProblems) -> MountConfiguration {
    try load(bytes: Array(text.utf8), mountPoint: mountPoint)
  }

  func load(
    bytes: [UInt8], mountPoint: String? = nil
  ) throws(ConfigProblems) -> MountConfiguration {
    let file = path("config.yaml")
    guard FileManager.default.createFile(atPath: file, contents: Data(bytes)) else {
      Issue.record("cannot write \(file)")
      throw ConfigProblems([])
    }
    return try MountConfiguration.load(file: file, mountPoint: mountPoint)
  }

  /// What the config is refused for; none when it is accepted.
  func problems(_ text: String, mountPoint: String? = nil) -> [ConfigProblem] {
    do throws(ConfigProblems) {
      _ = try load(text, mountPoint: mountPoint)
      return []
    } catch {
      return error.problems
    }
  }

  /// Expects exactly these messages, each at its `§`; `DIR` in them is the fixture's folder.
  func expectRefusal(
    _ marked: String, _ messages: String..., mountPoint: String? = nil,
    at location: SourceLocation = #_sourceLocation
  ) {
    let expected = MarkedText(marked)
    let found = problems(expected.text, mountPoint: mountPoint)
    #expect(found.map(\.mark) == expected.marks, sourceLocation: location)
    #expect(
      found.map { $0.message.replacingOccurrences(of: folder, with: "DIR") } == messages,
      sourceLocation: location)
  }

  /// The same for the keys of one volume.
  func expectVolumeRefusal(
    _ body: String, _ messages: String..., at location: SourceLocation = #_sourceLocation
  ) {
    let expected = MarkedText(MarkedText.volume(body))
    let found = problems(expected.text)
    #expect(found.map(\.mark) == expected.marks, sourceLocation: location)
    #expect(
      found.map { $0.message.replacingOccurrences(of: folder, with: "DIR") } == messages,
      sourceLocation: location)
  }

  /// Everything in the folder with its size and time, to see that nothing was touched.
  func listing() throws -> [String] {
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder).sorted()
    return try names.filter { $0 != "config.yaml" }.map { name in
      let attributes = try FileManager.default.attributesOfItem(atPath: path(name))
      let size = attributes[.size] ?? "?"
      let time = attributes[.modificationDate] ?? "?"
      return "\(name) \(size) \(time)"
    }
  }
}
