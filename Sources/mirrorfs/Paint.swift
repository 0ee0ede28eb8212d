import Glibc

/// Colours for a terminal; nothing of them anywhere else, nor where NO_COLOR is set.
struct Paint {
  enum Colour: Int {
    case red = 31
    case green = 32
    case yellow = 33
    case blue = 34
    case magenta = 35
    case cyan = 36
    case grey = 90
  }

  /// No colours.
  static let plain = Paint(isOn: false)

  let isOn: Bool

  private init(isOn: Bool) { self.isOn = isOn }

  /// - Parameter descriptor: where the text goes.
  init(_ descriptor: CInt) {
    isOn = Self.isTerminal(descriptor) && !Self.isSet("NO_COLOR")
  }

  /// Whether lines there can be written over.
  static func isTerminal(_ descriptor: CInt) -> Bool {
    isatty(descriptor) == 1 && variable("TERM") != "dumb"
  }

  func callAsFunction(_ colour: Colour, _ text: String) -> String {
    isOn ? "\u{1b}[\(colour.rawValue)m\(text)\u{1b}[0m" : text
  }

  /// The colour of a volume's or leg's state.
  static func colour(of state: String) -> Colour {
    switch state {
    case "in-sync", "alive": .green
    case "failed": .red
    case "resyncing", "read-errors", "taken-out": .yellow
    default: state == "degraded" ? .yellow : .red
    }
  }

  private static func isSet(_ name: String) -> Bool { !(variable(name) ?? "").isEmpty }

  private static func variable(_ name: String) -> String? {
    unsafe getenv(name).map { unsafe String(cString: $0) }
  }
}
