internal import Glibc

/// Times as they stand in attributes and documents.
enum UTCTime {
  /// `2026-01-31T12:00:00Z`, from seconds since 1970.
  static func text(_ seconds: Int) -> String {
    var parts = unsafe tm()
    var time = time_t(seconds)
    unsafe gmtime_r(&time, &parts)
    func padded(_ number: CInt, _ width: Int = 2) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    let (year, month) = unsafe (padded(parts.tm_year + 1900, 4), padded(parts.tm_mon + 1))
    let date = unsafe "\(year)-\(month)-\(padded(parts.tm_mday))"
    return
      unsafe "\(date)T\(padded(parts.tm_hour)):\(padded(parts.tm_min)):\(padded(parts.tm_sec))Z"
  }
}
