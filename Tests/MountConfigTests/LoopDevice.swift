import Foundation
import Glibc
import Testing

/// A loop device for a test, detached when the test ends.
final class LoopDevice {
  /// Why tests of devices are skipped elsewhere.
  static let reason: Comment = "needs root and losetup: loop devices are made"
  static let isPossible =
    geteuid() == 0 && FileManager.default.fileExists(atPath: "/dev/loop-control")
    && (try? run("losetup", "--version")) != nil

  /// The node's path.
  let path: String
  private var partitions: [Int] = []

  init(_ file: String, _ options: String...) throws {
    path = try Self.run("losetup", ["--find", "--show"] + options + [file])
  }

  deinit {
    for number in partitions { _ = try? Self.run("delpart", path, "\(number)") }
    _ = try? Self.run("losetup", "--detach", path)
  }

  /// Tells the kernel of a partition (no table is needed) and returns its node's path.
  func addPartition(_ number: Int, firstSector: Int, sectorCount: Int) throws -> String {
    _ = try Self.run("addpart", path, "\(number)", "\(firstSector)", "\(sectorCount)")
    partitions.append(number)
    let node = "\(path)p\(number)"
    // devtmpfs makes the node at once; udev may take a moment.
    for _ in 0..<100 where !FileManager.default.fileExists(atPath: node) { usleep(20_000) }
    return node
  }

  struct Failure: Error { let output: String }

  @discardableResult
  static func run(_ program: String, _ arguments: String...) throws -> String {
    try run(program, arguments)
  }

  @discardableResult
  static func run(_ program: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [program] + arguments
    process.environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    let text = String(decoding: output, as: UTF8.self)
      .trimmingCharacters(in: .whitespacesAndNewlines)
    guard process.terminationStatus == 0 else { throw Failure(output: text) }
    return text
  }
}
