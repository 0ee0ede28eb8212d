import Volumes

/// A map for a terminal: a row of letters a leg, in colour where there is any.
struct MapText {
  let text: String

  init(_ map: VolumeMapDocument, _ report: VolumeReport, width: Int, paint: Paint) {
    let cellCount = map.legs.first?.count ?? 0
    let columns = min(width, cellCount)
    var lines = [report.headline(paint)]
    var seen: Set<Character> = []
    for (index, row) in map.legs.enumerated() {
      let cells = Self.shrunk(Array(row), to: columns)
      seen.formUnion(cells)
      lines.append("  \(Self.label("leg \(index)"))|\(Self.paint(cells, paint))|")
    }
    if let intent = map.intent {
      let cells = Self.shrunk(Array(intent), to: columns, rank: { $0 == "*" ? 1 : 0 })
      lines.append("  \(Self.label("intent"))|\(Self.paint(cells, paint))|")
      if cells.contains("*") { seen.insert("*") }
    }
    if let scrub = map.scrubSector, columns > 0 {
      let place = min(columns - 1, Int(scrub / map.cellSectors) * columns / max(1, cellCount))
      lines.append("  \(Self.label("scrub")) \(String(repeating: " ", count: place))^")
    }
    lines.append("  \(Self.label("")) \(Self.scale(map, columns))")
    lines.append(
      "  a cell is \(Wording.amount(map.byteCount / UInt64(max(1, columns))));  "
        + Self.legend(seen, paint))
    text = lines.joined(separator: "\n") + "\n"
  }

  private static func label(_ text: String) -> String {
    text + String(repeating: " ", count: max(1, 8 - text.count))
  }

  /// Fewer cells, each the worst of those that it stands for.
  static func shrunk(
    _ cells: [Character], to count: Int, rank: (Character) -> Int = rank
  ) -> [Character] {
    guard count > 0, cells.count > count else { return cells }
    return (0..<count).map { column in
      let part = cells[column * cells.count / count..<(column + 1) * cells.count / count]
      return part.max { rank($0) < rank($1) } ?? "."
    }
  }

  static func rank(_ letter: Character) -> Int {
    VolumeMapDocument.letters.firstIndex { $0.letter == letter } ?? 0
  }

  /// Runs of equal cells in their colour.
  private static func paint(_ cells: [Character], _ paint: Paint) -> String {
    var (text, rest) = ("", cells[...])
    while let first = rest.first {
      let run = rest.prefix { $0 == first }
      text += paint(colour(first), String(run))
      rest = rest.dropFirst(run.count)
    }
    return text
  }

  private static func colour(_ letter: Character) -> Paint.Colour {
    switch letter {
    case ".": .green
    case ">": .cyan
    case "c": .blue
    case "d": .magenta
    case "*": .yellow
    default: .red
    }
  }

  /// Sectors at the start, in the middle and at the end.
  private static func scale(_ map: VolumeMapDocument, _ columns: Int) -> String {
    let sectors = map.byteCount / 512
    let (middle, end) = ("\(sectors / 2)", "\(sectors)")
    guard columns > middle.count + end.count + 8 else { return "0 to sector \(end)" }
    var line = "0"
    line += String(repeating: " ", count: columns / 2 - line.count) + middle
    return line + String(repeating: " ", count: columns - line.count - end.count) + end
  }

  private static func legend(_ seen: Set<Character>, _ paint: Paint) -> String {
    var words = VolumeMapDocument.letters.filter { seen.contains($0.letter) || $0.letter == "." }
    if seen.contains("*") { words.append(("*", "marked as being written")) }
    return words.map { "\(paint(Self.colour($0.letter), String($0.letter))) \($0.meaning)" }.joined(
      separator: "  ")
  }
}
