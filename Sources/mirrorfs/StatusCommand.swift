import ArgumentParser
import Glibc

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Shows how volumes and their legs are, and what to do next.",
    discussion: """
      Exit status: 0 all in sync, 1 degraded or resyncing, 2 a volume has failed, 3 cannot tell: \
      no such volume, or nothing has answered for ten seconds.

        mirrorfs status /mnt/volumes
        mirrorfs status -x
        mirrorfs status --watch /mnt/volumes/db.img
        mirrorfs status /mnt/volumes/db.img --json
      """)

  @Argument(
    help: "Volumes or mount points; none: all mounts of this machine.", completion: .file())
  var paths: [String] = []
  @Flag(help: "The status documents of the volumes, as one.") var json = false
  @Flag(
    name: .customShort("x"),
    help: "The health of all in one line, with the names of those not in sync.")
  var brief = false
  @Flag(help: "Show it anew every second, until Ctrl-C.") var watch = false

  func validate() throws {
    if watch, json { throw ValidationError("--watch is for people; leave --json out") }
  }

  func run() throws {
    let deadline = AnswerDeadline(status: 3)
    guard watch else {
      let look = Look(paths, deadline)
      for trouble in look.troubles { printError(trouble) }
      print(text(look), terminator: "")
      if look.severity > 0 { throw ExitCode(look.severity) }
      return
    }
    let isTerminal = Paint.isTerminal(STDOUT_FILENO)
    var last = ""
    while true {
      let look = Look(paths, deadline)
      let text = look.troubles.map { "mirrorfs: \($0)\n" }.joined() + text(look)
      if isTerminal {
        print("\u{1b}[H\u{1b}[2J\(text)", terminator: "")
      } else if text != last {
        print(text)
      }
      last = text
      fflush(nil)
      deadline.noteAnswer()
      sleep(1)
    }
  }

  private func text(_ look: Look) -> String {
    if json {
      let documents = look.reports.map(\.document).joined(separator: ",")
      return "{\"version\":1,\"state\":\"\(look.state)\",\"volumes\":[\(documents)]}\n"
    }
    if look.isNothing { return "nothing is mounted; `mirrorfs mount CONFIG MOUNTPOINT` mounts\n" }
    guard brief else {
      let paint = Paint(STDOUT_FILENO)
      return look.reports.map { $0.text(paint) }.joined()
    }
    return Self.line(look) + "\n"
  }

  /// Volumes that `-x` names.
  private static let mostNames = 4

  /// The health of everything in one line, the worst first.
  private static func line(_ look: Look) -> String {
    if look.severity == 0 { return "all volumes are in sync" }
    let failing = look.reports.filter { $0.severity > 0 }
    let worst = failing.filter { $0.severity > 1 } + failing.filter { $0.severity == 1 }
    let items = look.unknown.map { "\($0) unknown" } + worst.map(\.line)
    let count = look.reports.count + look.unknown.count
    let head = "\(items.count) of \(count) volumes not in sync"
    let more = items.count > mostNames ? "; and \(items.count - mostNames) more" : ""
    return "\(head): \(items.prefix(mostNames).joined(separator: "; "))\(more)"
  }

  /// What was found at one moment.
  private struct Look {
    private(set) var reports: [VolumeReport] = []
    private(set) var troubles: [String] = []
    /// The paths that nothing can be told of.
    private(set) var unknown: [String] = []
    /// The exit status.
    private(set) var severity: CInt = 0
    /// The worst of all.
    var state: String {
      let order = ["in-sync", "resyncing", "degraded", "failed"]
      if severity == 3 { return "unknown" }
      return reports.map(\.state).max {
        (order.firstIndex(of: $0) ?? 0) < (order.firstIndex(of: $1) ?? 0)
      } ?? "in-sync"
    }
    /// Nothing is mounted, and nothing was asked for.
    let isNothing: Bool

    init(_ paths: [String], _ deadline: AnswerDeadline) {
      let targets = paths.isEmpty ? MountList.mountPoints() : paths
      isNothing = targets.isEmpty
      for target in targets {
        guard let volumes = MountList.volumes(of: target) else {
          note(target, NotAVolume.reason(target))
          continue
        }
        for volume in volumes {
          guard let report = VolumeReport(volume) else {
            note(volume, "does not answer; is its daemon alive, and of this version?")
            continue
          }
          deadline.noteAnswer()
          severity = max(severity, report.severity)
          reports.append(report)
        }
      }
    }

    private mutating func note(_ path: String, _ reason: String) {
      troubles.append("\(path): \(reason)")
      unknown.append(path)
      severity = 3
    }
  }
}
