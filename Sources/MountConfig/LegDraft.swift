/// A leg as written, before anything has looked at the file or device.
struct LegDraft {
  let mark: SourceMark
  /// Absolute.
  let path: Setting<String>
  /// Sectors.
  let start: Setting<UInt64>
  /// Sectors, at least one.
  let count: Setting<UInt64>
  let create: Setting<Bool>
  let writeMostly: Bool
  let access: AccessChoice
  let deadlineMilliseconds: UInt32

  /// When `deadline` is left out: 30 s, as the kernel gives its disks.
  static let usualDeadlineMilliseconds: UInt32 = 30_000
  private static let advice =
    "write '- path: FILE-OR-DEVICE', and below it 'start:' and 'count:' if needed"

  /// Nil when the node is no mapping; what is wrong has been reported.
  init?(_ node: ConfigNode, paths: PathBase, log: ProblemLog) {
    guard let keys = MappingReader(node, schema: .leg, advice: Self.advice, log: log) else {
      return nil
    }
    mark = keys.mark
    path = keys.text("path", "the path of a file or block device, in quotes if it is a number")
      .flatMap { text, _ in paths.absolute(text) }
    if path.isAbsent && !keys.isMistyped("path") {
      log.report(mark, "a leg needs 'path'; \(Self.advice)")
    }
    start = Self.sectors("start", keys, "the leg's first sector, such as 2048")
    count = Self.sectors("count", keys, "the number of sectors, such as 204800")
      .flatMap { sectors, mark in
        if sectors > 0 { return sectors }
        log.report(mark, "'count' is 0; write at least 1, or leave it out to go to the end")
        return nil
      }
    create = keys.flag("create")
    writeMostly = keys.flag("write_mostly").value(or: false)
    access = keys.choice("io", AccessChoice.self).value(or: .auto)
    deadlineMilliseconds = Self.deadline(keys)
  }

  private static func deadline(_ keys: MappingReader) -> UInt32 {
    let wanted = "a time from 10ms to 24h, such as 30s, or 0s for none"
    return keys.written("deadline", wanted).flatMap { written, mark -> UInt32? in
      if let time = DurationAmount.read(written.0), time == 0 || time >= 10 { return time }
      keys.log.report(mark, "'deadline' must be \(wanted)")
      return nil
    }.value(or: usualDeadlineMilliseconds)
  }

  /// The path and where it stands; nil when there is none.
  var located: (path: String, mark: SourceMark)? {
    guard case .given(let path, let mark) = path else { return nil }
    return (path, mark)
  }

  private static func sectors(
    _ key: String, _ keys: MappingReader, _ wanted: String
  ) -> Setting<UInt64> {
    keys.written(key, wanted).flatMap { written, mark in
      switch SectorAmount.read(written.0, bareIsSectors: true) {
      case .sectors(let sectors): return sectors
      case .wrong(let problem):
        keys.log.report(mark, "'\(key)': \(problem)")
        return nil
      }
    }
  }
}
