import ArgumentParser
import Volumes

struct ScrubCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scrub",
    abstract: "Compares the legs of a volume while it is in use, and repairs if asked.",
    discussion: """
      What differs is named by sectors and legs in user.mirrorfs.mismatches and in the log. \
      --repair rewrites from the majority, or from the leg that --source names. A scrub goes on \
      after a restart. With --wait the exit status is 1 when something differs.

        mirrorfs scrub /mnt/volumes/db.img --wait
        mirrorfs scrub /mnt/volumes/db.img --repair --source 0 --range 4096+8
        mirrorfs scrub /mnt/volumes/db.img --cancel
      """)

  @OptionGroup var target: VolumeArgument
  @Flag(help: "Rewrite what differs.") var repair = false
  @Option(help: ArgumentHelp("The leg that is right.", valueName: "leg")) var source: Int?
  @Option(help: ArgumentHelp("Only these sectors.", valueName: "first+count")) var range: String?
  @Flag(help: "Return when it is done; Ctrl-C leaves it running.") var wait = false
  @Flag(help: "With --wait: what was found, as JSON.") var json = false
  @Flag(help: "End the scrub that is under way.") var cancel = false

  func validate() throws {
    if let range {
      let parts = range.split(separator: "+", omittingEmptySubsequences: false)
      guard parts.count == 2, parts.allSatisfy({ UInt64($0) != nil }) else {
        throw ValidationError("--range takes sectors, first+count, such as 4096+8")
      }
    }
    if source != nil, !repair { throw ValidationError("--source is of use with --repair only") }
    if json, !wait { throw ValidationError("--json is of use with --wait only") }
    if cancel, repair || wait || range != nil {
      throw ValidationError("--cancel stands alone")
    }
  }

  func run() throws {
    let control = try VolumeControl(target.volume)
    try control.check(leg: source)
    if cancel { return try control.send("cancel") }
    var words = ["scrub"]
    if repair { words.append("repair") }
    if let source { words.append("source=\(source)") }
    if let range { words.append("range=\(range)") }
    try control.send(
      words.joined(separator: " "),
      whenBusy: "a scrub is under way already; `mirrorfs scrub \(target.volume) --cancel` ends it")
    guard wait else { return }
    try control.wait()
    let found = control.attribute("mismatches") ?? "none"
    if json {
      print(JSONLine.of(ScrubDocument(volume: control.path, found: found)))
    } else if found != "none" {
      print(found)
    }
    if found != "none" { throw ExitCode(1) }
  }
}

/// What `mirrorfs scrub --wait --json` prints. Keys are added, never renamed or removed.
private struct ScrubDocument: Encodable {
  struct Mismatch: Encodable {
    let firstSector: UInt64
    let sectorCount: UInt64
    /// The legs that differ, as a set of bits.
    let legs: String

    enum CodingKeys: String, CodingKey {
      case legs
      case firstSector = "first_sector"
      case sectorCount = "sector_count"
    }
  }

  var version = 1
  let volume: String
  let mismatches: [Mismatch]
  /// There are more than the volume lists.
  let isCut: Bool

  enum CodingKeys: String, CodingKey {
    case version, volume, mismatches
    case isCut = "is_cut"
  }

  /// - Parameter found: `4096+8 legs=0x2; 9000+16 legs=0x2`, or `none`.
  init(volume: String, found: String) {
    self.volume = volume
    mismatches = found.split(separator: ";").compactMap { item in
      let words = item.split { " +=".contains($0) }
      guard words.count >= 4, let first = UInt64(words[0]), let count = UInt64(words[1]) else {
        return nil
      }
      return Mismatch(firstSector: first, sectorCount: count, legs: String(words[3]))
    }
    isCut = found.hasSuffix("...")
  }
}
