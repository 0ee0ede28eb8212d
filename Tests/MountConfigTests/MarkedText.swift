import MountConfig

/// Config text in which `§` stands before each place where a problem is expected.
struct MarkedText {
  let text: String
  let marks: [SourceMark]

  init(_ marked: String) {
    var text = String.UnicodeScalarView()
    var marks: [SourceMark] = []
    var place = SourceMark(line: 1, column: 1)
    for scalar in marked.unicodeScalars {
      if scalar == "§" {
        marks.append(place)
        continue
      }
      text.append(scalar)
      if scalar == "\n" {
        place = SourceMark(line: place.line + 1, column: 1)
      } else {
        place.column += 1
      }
    }
    self.text = String(text)
    self.marks = marks
  }

  /// A config with one volume `v`, whose keys are `body`.
  static func volume(_ body: String, state: String = "state") -> String {
    config("  v:\n" + indented(body, by: 4), state: state)
  }

  /// A config whose volumes are `body`, each indented by two.
  static func config(_ body: String, state: String = "state") -> String {
    "version: 1\nstate_directory: \(state)\nvolumes:\n\(body)\n"
  }

  private static func indented(_ body: String, by columns: Int) -> String {
    body.split(separator: "\n", omittingEmptySubsequences: false)
      .map { String(repeating: " ", count: columns) + $0 }
      .joined(separator: "\n")
  }
}
