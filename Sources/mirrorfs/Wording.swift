import Glibc

/// Amounts and times as people read them.
enum Wording {
  /// `5.0 KiB`.
  static func amount(_ byteCount: UInt64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"]
    var (value, unit) = (Double(byteCount), 0)
    while value >= 1024, unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    if unit == 0 { return "\(byteCount) B" }
    let tenths = UInt64(value * 10)
    return "\(tenths / 10).\(tenths % 10) \(units[unit])"
  }

  /// `3 min`, from seconds.
  static func span(_ seconds: Int) -> String {
    switch max(0, seconds) {
    case let seconds where seconds < 120: "\(seconds) s"
    case let seconds where seconds < 7200: "\(seconds / 60) min"
    case let seconds where seconds < 172_800: "\(seconds / 3600) h"
    case let seconds: "\(seconds / 86400) days"
    }
  }

  /// `2026-01-31T12:00:00Z, 3 min ago`.
  static func moment(_ utc: String) -> String {
    guard let then = seconds(ofUTC: utc) else { return utc }
    return "\(utc), \(span(time(nil) - then)) ago"
  }

  /// Seconds since 1970 of `2026-01-31T12:00:00Z`; nil for what is none.
  static func seconds(ofUTC text: String) -> Int? {
    let numbers = text.split { !$0.isNumber }.compactMap { Int($0) }
    guard numbers.count == 6, text.hasSuffix("Z") else { return nil }
    // Years begin in March here, so that the day of a leap year is their last.
    let (month, year) = ((numbers[1] + 9) % 12, numbers[1] > 2 ? numbers[0] : numbers[0] - 1)
    let leapDays = year / 4 - year / 100 + year / 400
    let days = year * 365 + leapDays + (month * 153 + 2) / 5 + numbers[2] - 719_469
    return days * 86400 + numbers[3] * 3600 + numbers[4] * 60 + numbers[5]
  }
}
