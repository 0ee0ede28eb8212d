internal import BlockIO

/// Reads an amount of data: `100MiB`, or bare sectors where the key allows it.
enum SectorAmount {
  /// Files and devices end here on Linux (`off_t`).
  static let maximumByteCount = UInt64(Int64.max)

  private static let units: [(name: String, shift: UInt64)] = [
    ("B", 0), ("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40),
  ]

  enum Reading {
    case sectors(UInt64)
    /// What is wrong and what to write instead.
    case wrong(String)
  }

  /// Reads an amount in sectors.
  ///
  /// - Parameter bareIsSectors: whether a number without unit is legal, and means sectors.
  static func read(_ written: String, bareIsSectors: Bool) -> Reading {
    let text = trimmed(written)
    if text.hasPrefix("-") { return .wrong("\(Quoted(text)) is negative; write zero or more") }
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let unit = trimmed(String(text.dropFirst(digits.count)))
    guard let number = WholeNumber(digits) else {
      return .wrong(
        "\(Quoted(text)) is not a whole decimal number"
          + (bareIsSectors ? " of sectors, such as 2048," : "")
          + (bareIsSectors
            ? " or a size with a unit, such as 1MiB" : " with a unit, such as 100MiB"))
    }
    if unit.isEmpty && bareIsSectors {
      guard number.rawValue <= maximumByteCount / UInt64(sectorByteCount) else {
        return .wrong("\(Quoted.shown(digits)) sectors are more than a device can have (8 EiB)")
      }
      return .sectors(number.rawValue)
    }
    return read(number, unit: unit, text: text)
  }

  private static func read(_ number: WholeNumber, unit: String, text: String) -> Reading {
    guard !unit.isEmpty else {
      return .wrong(
        "\(Quoted.shown(text)) has no unit and could mean bytes or sectors; write "
          + "\(Quoted.shown(text))B for bytes, or a number with KiB, MiB, GiB or TiB")
    }
    guard let shift = units.first(where: { $0.name == unit })?.shift else {
      let letter = unit.prefix(1).uppercased()
      let meant = units.first { $0.name.prefix(1) == letter }?.name
      return .wrong(
        "unknown unit \(Quoted(unit)); the units are B, KiB, MiB, GiB and TiB"
          + (meant.map { "; write '\(Quoted.shown(text.prefix { $0.isNumber }))\($0)'" } ?? ""))
    }
    let (bytes, overflow) = number.rawValue.multipliedReportingOverflow(by: 1 << shift)
    guard !number.isTooLarge, !overflow, bytes <= maximumByteCount else {
      return .wrong("\(Quoted(text)) is too large; a volume ends below 8 EiB")
    }
    guard bytes % UInt64(sectorByteCount) == 0 else {
      let below = bytes / UInt64(sectorByteCount) * UInt64(sectorByteCount)
      return .wrong(
        "\(Quoted(text)) is not a multiple of the sector, 512 bytes; write \(below)B or "
          + "\(below + UInt64(sectorByteCount))B")
    }
    return .sectors(bytes / UInt64(sectorByteCount))
  }

  private static func trimmed(_ text: String) -> String {
    let start = text.drop { $0 == " " }
    return String(start.reversed().drop { $0 == " " }.reversed())
  }
}
