internal import BlockIO

/// A device of device-mapper, read from its line of `dmsetup table`, that can be a volume.
struct MapperDevice {
  struct Leg {
    /// As the table has it: a path, or MAJOR:MINOR.
    let device: String
    let mark: SourceMark
    let firstSector: UInt64
    var isWriteMostly = false
  }

  let name: String?
  let lineNumber: Int
  let sectorCount: UInt64
  /// The kind of target, for a comment.
  let target: String
  private(set) var legs: [Leg] = []
  /// Sectors of a region of the kernel's log; nil where it has none.
  private(set) var region: UInt64?

  /// - Throws: for the first thing that is not understood.
  init(_ given: MapperLine) throws(MapperProblem) {
    var line = given
    let start = line.mark
    guard !line.isAtEnd else {
      throw MapperProblem(
        start, "there is no table; `dmsetup table` prints none for a device that was not loaded")
    }
    let first = try line.whole("the first sector of a table")
    let count = try line.whole("the length of a table in sectors")
    guard first == 0 else {
      throw MapperProblem(
        start,
        "the device is made of several pieces, and a leg is one; copy it onto a device of "
          + "one piece, or name the whole device as a leg")
    }
    guard count > 0, count <= SectorAmount.maximumByteCount / UInt64(sectorByteCount) else {
      throw MapperProblem(start, "a length of \(count) sectors cannot be; write that of the device")
    }
    let kind = try line.word("the kind of target")
    (name, lineNumber, sectorCount, target) = (line.name, line.number, count, kind.text)
    switch kind.text {
    case "linear": legs = [try Self.leg(&line)]
    case "mirror": try readMirror(&line)
    case "raid": try readRaid(&line)
    default:
      throw MapperProblem(
        line.mark(kind),
        "a volume can be made of mirror, linear and raid raid1, not of "
          + "\(Quoted(kind.text)); leave the line out, or name the device itself as a leg")
    }
    if let rest = line.peeked {
      throw MapperProblem(
        line.mark(rest),
        "\(Quoted(rest.text)) is one word too many for \(kind.text); take the line "
          + "as dmsetup prints it")
    }
    guard (1...VolumeDraft.maximumLegs).contains(legs.count) else {
      throw MapperProblem(start, "a volume has 1 to \(VolumeDraft.maximumLegs) legs")
    }
  }

  private static func leg(_ line: inout MapperLine) throws(MapperProblem) -> Leg {
    let device = try line.word("a device")
    let first = try line.whole("the first sector of \(Quoted(device.text))")
    return Leg(device: device.text, mark: line.mark(device), firstSector: first)
  }

  /// `LOG #WORDS WORD... #LEGS DEVICE SECTOR... [#WORDS WORD...]`: dm-raid1.c, mirror_ctr.
  private mutating func readMirror(_ line: inout MapperLine) throws(MapperProblem) {
    let log = try line.word("the kind of log")
    // One on disk has its device first.
    let regionPlace = ["core": 0, "disk": 1][log.text]
    guard let regionPlace else {
      throw MapperProblem(
        line.mark(log),
        "the log \(Quoted(log.text)) is kept by another program, which may be "
          + "writing; stop that, and write 'core 1 1024' here")
    }
    let words = try line.counted("words of the log")
    guard words.count > regionPlace, let size = UInt64(words[regionPlace].text),
      size.nonzeroBitCount == 1
    else {
      throw MapperProblem(
        line.mark(words.dropFirst(regionPlace).first),
        "the log wants the sectors of a region "
          + "here, a power of two, such as 1024")
    }
    region = size
    for word in words.dropFirst(regionPlace + 1)
    where !["sync", "nosync", "block_on_error"].contains(word.text) {
      throw MapperProblem(
        line.mark(word), "\(Quoted(word.text)) is no word of the log; sync and nosync are")
    }
    let count = try line.whole("the number of legs")
    for _ in 0..<min(count, 64) { legs.append(try Self.leg(&line)) }
    guard !line.isAtEnd else { return }
    for word in try line.counted("features")
    where !["handle_errors", "keep_log"].contains(word.text) {
      throw MapperProblem(
        line.mark(word),
        "\(Quoted(word.text)) is no feature of a mirror; handle_errors and "
          + "keep_log are")
    }
  }

  /// `raid1 #WORDS CHUNK WORD... #LEGS METADATA DATA...`: dm-raid.c, raid_ctr.
  private mutating func readRaid(_ line: inout MapperLine) throws(MapperProblem) {
    let level = try line.word("the level")
    guard level.text == "raid1" else {
      throw MapperProblem(
        line.mark(level),
        "only raid1 keeps whole copies, and this is \(Quoted(level.text)); leave "
          + "the line out")
    }
    let writeMostly = try readRaidWords(try line.counted("words of raid1"), line)
    let count = try line.whole("the number of legs")
    for index in 0..<min(count, 64) {
      _ = try line.word("a device of metadata, or '-'")
      let data = try line.word("a device")
      guard data.text != "-" else {
        throw MapperProblem(
          line.mark(data),
          "leg \(index) is missing; repair the array first, or leave this leg out "
            + "of the line and count one less")
      }
      legs.append(
        Leg(
          device: data.text, mark: line.mark(data), firstSector: 0,
          isWriteMostly: writeMostly.contains(index)))
    }
  }

  /// The numbers of the legs that are write-mostly.
  private mutating func readRaidWords(
    _ words: [MapperLine.Word], _ line: MapperLine
  ) throws(MapperProblem) -> Set<UInt64> {
    var writeMostly: Set<UInt64> = []
    // The first one is the chunk, of which raid1 makes no use.
    var rest = words.dropFirst()
    while let word = rest.popFirst() {
      if ["sync", "nosync"].contains(word.text) { continue }
      let value = rest.popFirst()
      let number = value.flatMap { UInt64($0.text) }
      switch (word.text, number) {
      case ("region_size", let number?): region = number
      case ("write_mostly", let number?): writeMostly.insert(number)
      case ("daemon_sleep", _?), ("min_recovery_rate", _?), ("max_recovery_rate", _?),
        ("max_write_behind", _?):
        break
      case ("rebuild", let number?):
        throw MapperProblem(
          line.mark(word),
          "leg \(number) is being rebuilt, and does not hold everything; wait until "
            + "`dmsetup status` shows that it does, and take the line anew")
      default:
        throw MapperProblem(
          line.mark(word),
          "\(Quoted(word.text)) is not understood here; without it the legs "
            + "might be read wrongly")
      }
    }
    return writeMostly
  }
}
