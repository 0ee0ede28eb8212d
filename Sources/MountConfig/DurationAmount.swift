/// A time as configs write it: a whole number with a unit.
public enum DurationAmount {
  private static let units: [(word: String, milliseconds: UInt64)] = [
    ("ms", 1), ("s", 1000), ("min", 60_000), ("h", 3_600_000),
  ]

  /// In milliseconds; nil for what is no time, or is longer than a day.
  public static func read(_ text: String) -> UInt32? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let word = text.dropFirst(digits.count).drop { $0 == " " }
    guard let number = UInt64(digits), number <= 86_400_000,
      let unit = units.first(where: { $0.word == word }),
      number * unit.milliseconds <= 86_400_000
    else { return nil }
    return UInt32(number * unit.milliseconds)
  }
}
