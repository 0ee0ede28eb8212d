import Volumes

/// A map as an SVG picture that needs no font or style of its own.
struct MapPicture {
  private let map: VolumeMapDocument
  private let title: String

  private static let left = 100
  private static let rowWidth = 1024
  private static let rowHeight = 36
  private static let gap = 14
  private static let top = 64

  init(_ map: VolumeMapDocument, _ report: VolumeReport) {
    self.map = map
    title = report.headline(.plain)
  }

  func svg() -> String {
    var rows = map.legs.enumerated().map { ("leg \($0.offset)", $0.element) }
    if let intent = map.intent { rows.append(("intent", intent)) }
    let bottom = Self.top + rows.count * (Self.rowHeight + Self.gap)
    let height = bottom + 84
    var lines = [
      """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Self.left + Self.rowWidth + 40) \
      \(height)" font-family="sans-serif" font-size="15">
      """,
      "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
      Self.text(20, 32, title, size: 18),
    ]
    for (index, row) in rows.enumerated() {
      let y = Self.top + index * (Self.rowHeight + Self.gap)
      lines.append(Self.text(20, y + 24, row.0))
      // No mark says nothing about the legs.
      lines += Self.cells(row.1, y, blank: index < map.legs.count ? nil : "#eeeeee")
    }
    lines += scrub(bottom) + scale(bottom) + legend(bottom + 62)
    return (lines + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  /// Runs of equal cells, each one rectangle.
  ///
  /// - Parameter blank: another colour for cells where nothing is.
  private static func cells(_ row: String, _ y: Int, blank: String?) -> [String] {
    let cells = Array(row)
    var (rectangles, first) = ([String](), 0)
    func x(_ index: Int) -> Int { left + index * rowWidth / cells.count }
    for index in cells.indices where index + 1 == cells.count || cells[index + 1] != cells[index] {
      // A cell among very many is still to be seen.
      let width = max(2, x(index + 1) - x(first))
      let fill = cells[first] == "." ? blank ?? colour(".") : colour(cells[first])
      rectangles.append(rectangle(x(first), y, width, rowHeight, fill))
      first = index + 1
    }
    return rectangles
  }

  private func scrub(_ y: Int) -> [String] {
    guard let sector = map.scrubSector else { return [] }
    let x = Self.left + Int(Double(sector) * 512 / Double(map.byteCount) * Double(Self.rowWidth))
    return [
      "<path d=\"M\(x) \(Self.top - 6)V\(y - 6)\" stroke=\"#000000\" stroke-width=\"2\" "
        + "stroke-dasharray=\"4 3\"/>",
      Self.text(x + 4, Self.top - 8, "scrub", size: 12),
    ]
  }

  private func scale(_ y: Int) -> [String] {
    let sectors = map.byteCount / 512
    return [Self.text(20, y + 14, "sector", size: 12)]
      + (0...4).flatMap { quarter -> [String] in
        let x = Self.left + quarter * Self.rowWidth / 4
        let label = "\(sectors * UInt64(quarter) / 4)"
        let anchor = quarter == 0 ? "start" : quarter == 4 ? "end" : "middle"
        return [
          "<path d=\"M\(x) \(y - 6)v6\" stroke=\"#666666\"/>",
          "<text x=\"\(x)\" y=\"\(y + 14)\" font-size=\"12\" fill=\"#444444\" "
            + "text-anchor=\"\(anchor)\">\(label)</text>",
        ]
      }
  }

  private func legend(_ y: Int) -> [String] {
    let seen = Set(map.legs.joined())
    var words = VolumeMapDocument.letters.filter { seen.contains($0.letter) || $0.letter == "." }
    if map.intent?.contains("*") == true { words.append(("*", "marked as being written")) }
    var x = Self.left
    return words.flatMap { word -> [String] in
      defer { x += 48 + word.meaning.count * 8 }
      return [
        Self.rectangle(x, y - 13, 16, 16, Self.colour(word.letter)),
        Self.text(x + 22, y, word.meaning, size: 14),
      ]
    }
  }

  private static func rectangle(
    _ x: Int, _ y: Int, _ width: Int, _ height: Int, _ colour: String
  ) -> String {
    "<rect x=\"\(x)\" y=\"\(y)\" width=\"\(width)\" height=\"\(height)\" fill=\"\(colour)\"/>"
  }

  private static func text(_ x: Int, _ y: Int, _ text: String, size: Int = 15) -> String {
    var plain = ""
    for character in text {
      switch character {
      case "&": plain += "&amp;"
      case "<": plain += "&lt;"
      case ">": plain += "&gt;"
      default: plain.append(character)
      }
    }
    return "<text x=\"\(x)\" y=\"\(y)\" font-size=\"\(size)\">\(plain)</text>"
  }

  /// Told apart by those, too, who do not see red and green as different.
  private static func colour(_ letter: Character) -> String {
    switch letter {
    case ".": "#cfe3f2"
    case "c": "#8c96c6"
    case "s": "#d7301f"
    case "d": "#88419d"
    case ">": "#1b9e77"
    case "r": "#fc8d59"
    case "u": "#67000d"
    case "*": "#e6ab02"
    default: "#999999"
    }
  }
}
