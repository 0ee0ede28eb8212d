internal import BlockIO
internal import CLinux
internal import Glibc

/// A config for one volume, written from what its legs are: with comments, and such that it can be
/// mounted as it is.
public struct ConfigSketch {
  /// Why there is none: a sentence with what to do instead.
  public struct Refusal: Error {
    public let text: String

    public init(_ text: String) { self.text = text }
  }

  private struct LegSketch {
    let path: String
    /// Nil for a file that is to be made.
    let sectorCount: UInt64?
    /// Bytes; 1 for a file.
    let logicalBlock: UInt32
    let device: UInt64
    let isBlockDevice: Bool
  }

  private let name: String
  private let legs: [LegSketch]
  private let sectorCount: UInt64
  /// Bytes that every leg can address: what the size is a multiple of.
  private let alignment: UInt64

  /// What to know before this config is used; one sentence each.
  public let warnings: [String]

  /// Looks at the legs; nothing is written.
  ///
  /// - Parameters:
  ///   - paths: files and block devices; what does not exist is to be made, and needs a size.
  ///   - sectorCount: of the volume; nil: as large as the smallest leg.
  /// - Throws: for the first leg that cannot be one.
  public init(name: String, paths: [String], sectorCount: UInt64?) throws(Refusal) {
    if name.isEmpty || name.contains("/") || [".", "..", ".mirrorfs"].contains(name) {
      throw Refusal(
        "\(Quoted(name)) is no name for a volume; write a plain file name, such as db.img")
    }
    guard (1...64).contains(paths.count) else {
      throw Refusal("a volume has 1 to 64 legs; name files or block devices")
    }
    var found: [LegSketch] = []
    for path in paths { found.append(try Self.leg(path)) }
    let alignment = found.reduce(4096) { max($0, UInt64($1.logicalBlock)) }
    let smallest = found.compactMap(\.sectorCount).min()
    let alignedSmallest = smallest.map { $0 * 512 >= alignment ? $0 / (alignment / 512) : 0 }
    let common = alignedSmallest.map { $0 * (alignment / 512) }
    guard let count = sectorCount ?? (common == 0 ? smallest : common) else {
      throw Refusal("the legs do not exist yet; say how large to make them, as --size 1GiB")
    }
    if let smallest, count > smallest {
      let leg = found.first { $0.sectorCount == smallest }?.path ?? ""
      throw Refusal(
        "\(Quoted(leg)) holds \(Self.size(smallest)), less than the size asked for; "
          + "write --size \(Self.size(common ?? smallest)) or less, or name a larger leg")
    }
    if let odd = found.first(where: { count * 512 % UInt64(max(1, $0.logicalBlock)) != 0 }) {
      throw Refusal(
        "the size is no multiple of the logical block of \(Quoted(odd.path)), "
          + "\(odd.logicalBlock) bytes; write one that is")
    }
    self.name = name
    self.sectorCount = count
    self.alignment = alignment
    legs = found
    warnings = Self.warnings(found)
  }

  /// The config's text.
  public var text: String {
    let user = geteuid()
    let state =
      StateDirectory.standard(userID: user, environment: StateDirectory.environment)
      ?? StateDirectory.ofRoot
    var lines = [
      "# mirrorfs: one volume on \(legs.count == 1 ? "one leg" : "\(legs.count) legs")",
      "version: 1",
      "# What legs missed is kept here: a folder for this mount alone, and not on a leg.",
      "state_directory: \(Self.quoted(state))",
      "volumes:",
      "  \(Self.quoted(name)):",
      "    size: \(Self.size(sectorCount))    # \(sizeRemark)",
      "    legs:",
    ]
    for leg in legs {
      lines.append("      - path: \(Self.quoted(leg.path))    # \(remark(leg))")
      if leg.sectorCount == nil { lines.append("        create: true") }
    }
    lines += syncLines
    lines += [
      "    mode: \"0600\"            # who may use it; owner and group: those of who mounts",
      "    # read_policy: primary   # or round-robin, least-pending: which leg reads go to",
      "    # write_quorum: 1        # legs that must hold a write before it is acknowledged",
    ]
    return lines.joined(separator: "\n") + "\n"
  }

  private var syncLines: [String] {
    guard legs.contains(where: { $0.sectorCount != nil }), legs.count > 1 else { return [] }
    return [
      "    # Legs that hold something already are compared first, and nothing is overwritten:",
      "    # what differs is read from the first leg until you say which one is right.",
      "    # first-leg overwrites the others with the first; assume-in-sync trusts them all.",
      "    initial_sync: verify",
    ]
  }

  private var sizeRemark: String {
    let rest = legs.compactMap(\.sectorCount).filter { $0 != sectorCount }
    let unit = "a multiple of \(alignment) bytes"
    let isAligned = sectorCount * 512 % alignment == 0
    if legs.allSatisfy({ $0.sectorCount == nil }) { return "every leg is made as large" }
    return (rest.isEmpty ? "all of each leg" : "larger legs are used from their start")
      + (isAligned ? ", \(unit)" : ", which is no multiple of \(alignment) bytes")
  }

  private func remark(_ leg: LegSketch) -> String {
    guard let count = leg.sectorCount else { return "made, sparse, at the first mount, if missing" }
    if !leg.isBlockDevice { return "a file of \(Self.size(count))" }
    return "a block device of \(Self.size(count)), logical blocks of \(leg.logicalBlock) bytes"
  }

  private static func warnings(_ legs: [LegSketch]) -> [String] {
    var sentences: [String] = []
    for (index, leg) in legs.enumerated() {
      let sharer = legs[..<index].first { $0.device == leg.device && !$0.isBlockDevice }
      if let sharer, !leg.isBlockDevice {
        sentences.append(
          "\(Quoted(sharer.path)) and \(Quoted(leg.path)) lie on the same file system: when its "
            + "disk fails, both are gone")
      }
    }
    return sentences
  }

  private static func leg(_ given: String) throws(Refusal) -> LegSketch {
    let path = given.hasPrefix("/") ? given : PathBase.workingDirectory + "/" + given
    guard let status = FileStatus(path) else {
      let number = errno
      let folder = RealPath.parent(of: path)
      guard number == ENOENT, let parent = FileStatus(folder), parent.kind == .folder else {
        throw Refusal(
          "\(Quoted(given)): \(ErrnoText.text(number)); name a file, a block device, or a "
            + "new file in a folder that there is")
      }
      return LegSketch(
        path: path, sectorCount: nil, logicalBlock: 1, device: parent.device, isBlockDevice: false)
    }
    switch status.kind {
    case .regular:
      guard status.byteCount >= 512 else {
        throw Refusal(
          "\(Quoted(given)) holds \(status.byteCount) bytes, less than one sector; remove it "
            + "to have it made, or name another")
      }
      return LegSketch(
        path: path, sectorCount: status.byteCount / 512, logicalBlock: 1, device: status.device,
        isBlockDevice: false)
    case .blockDevice:
      return try blockDevice(path, status)
    default:
      throw Refusal(
        "\(Quoted(given)) is \(status.kind.inWords); a leg is a file or a block device")
    }
  }

  private static func blockDevice(
    _ path: String, _ status: FileStatus
  ) throws(Refusal) -> LegSketch {
    let descriptor = unsafe linux_open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0)
    var (byteCount, logicalBlock): (UInt64, UInt32) = (0, 0)
    defer { if descriptor >= 0 { close(descriptor) } }
    guard descriptor >= 0,
      unsafe linux_block_device_geometry(descriptor, &byteCount, &logicalBlock) == 0
    else {
      throw Refusal("\(Quoted(path)): \(ErrnoText.current); start as a user who may open it")
    }
    guard byteCount >= 512 else {
      throw Refusal("the device \(Quoted(path)) is empty; attach something, or name another")
    }
    return LegSketch(
      path: path, sectorCount: byteCount / 512, logicalBlock: max(1, logicalBlock),
      device: status.device, isBlockDevice: true)
  }

  /// Sectors in the largest unit that is exact.
  static func size(_ sectorCount: UInt64) -> String {
    let byteCount = sectorCount * 512
    for (unit, shift) in [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)] {
      if byteCount > 0, byteCount % (1 << UInt64(shift)) == 0 {
        return "\(byteCount >> UInt64(shift))\(unit)"
      }
    }
    return "\(byteCount)B"
  }

  /// Plain where YAML takes it as text, else in quotes.
  static func quoted(_ text: String) -> String {
    let isPlain = text.unicodeScalars.allSatisfy {
      $0.isASCII
        && ($0.properties.isAlphabetic || $0.properties.numericType != nil
          || "/._-+".unicodeScalars.contains($0))
    }
    let startsPlain = text.first.map { $0 == "/" || $0.isLetter } ?? false
    let words = ["true", "false", "yes", "no", "null", "on", "off", "y", "n"]
    if isPlain, startsPlain, !words.contains(text.lowercased()) { return text }
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": quoted += "\\\(scalar)"
      case _ where scalar.value < 0x20 || scalar.value == 0x7f:
        let digits = String(scalar.value, radix: 16)
        quoted += "\\x" + String(repeating: "0", count: 2 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
