import ArgumentParser
import Glibc

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Shows how volumes and their legs are, and what to do next.",
    discussion: """
      Exit status: 0 all in sync, 1 degraded or resyncing, 2 a volume has failed, 3 cannot tell.

        mirrorfs status /mnt/volumes
        mirrorfs status -x
        mirrorfs status /mnt/volumes/db.img --json
      """)

  @Argument(help: "Volumes or mount points; none: all mounts of this machine.")
  var paths: [String] = []
  @Flag(help: "The status documents of the volumes, as one.") var json = false
  @Flag(name: .customShort("x"), help: "One line for each volume that is not in sync.")
  var brief = false

  func run() throws {
    let targets = paths.isEmpty ? Self.mountPoints() : paths
    var worst: CInt = 0
    var documents: [String] = []
    var troubled = 0
    for target in targets {
      guard let volumes = Self.volumes(of: target) else {
        printError("\(target): not a mirrorfs mount or volume, or it does not answer")
        worst = max(worst, 3)
        continue
      }
      for volume in volumes {
        guard let report = VolumeReport(volume) else {
          printError("\(volume): does not answer")
          worst = max(worst, 3)
          continue
        }
        worst = max(worst, report.severity)
        if report.severity > 0 { troubled += 1 }
        documents.append(report.document)
        if json { continue }
        if brief {
          if report.severity > 0 { print(report.line) }
        } else {
          print(report.text, terminator: "")
        }
      }
    }
    if json {
      print("{\"version\":1,\"volumes\":[\(documents.joined(separator: ","))]}")
    } else if targets.isEmpty {
      print("nothing is mounted")
    } else if brief, troubled == 0, worst == 0 {
      print("all volumes are in sync")
    }
    if worst > 0 { throw ExitCode(worst) }
  }

  /// The volumes that a path stands for, by name; nil when it is nothing of ours.
  private static func volumes(of path: String) -> [String]? {
    if MountPoint.attribute("legs", of: path) != nil { return [path] }
    guard MountPoint.volumeState(path) != nil, let folder = unsafe opendir(path) else {
      return nil
    }
    defer { unsafe closedir(folder) }
    var names: [String] = []
    while let entry = unsafe readdir(folder) {
      let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    let base = path.hasSuffix("/") ? path : path + "/"
    return names.sorted().map { base + $0 }
  }

  /// Where a mirrorfs is mounted, from the kernel's list.
  private static func mountPoints() -> [String] {
    guard let list = unsafe fopen("/proc/self/mounts", "r") else { return [] }
    defer { unsafe fclose(list) }
    var found: [String] = []
    var line: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { unsafe free(line) }
    while unsafe getline(&line, &capacity, list) > 0 {
      guard let text = unsafe line.map({ unsafe String(cString: $0) }) else { continue }
      let words = text.split(separator: " ")
      guard words.count > 2, words[2] == "fuse.mirrorfs" else { continue }
      found.append(plain(String(words[1])))
    }
    return found
  }

  /// The kernel writes spaces and the like as `\040`.
  private static func plain(_ text: String) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3)
      if byte == UInt8(ascii: "\\"), digits.count == 3,
        let number = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
      {
        bytes.append(number)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
