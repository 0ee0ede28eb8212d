internal import CLinux
internal import Glibc

/// The text of a config file, read whole and known to be UTF-8.
enum ConfigText {
  /// A config of thousands of volumes is far below; more is a wrong file.
  static let maximumByteCount = 64 << 20

  /// Reads the file; nil when it cannot be used, which has then been reported.
  static func read(file: String, log: ProblemLog) -> String? {
    guard !file.utf8.contains(0) else {
      log.report(.start, "the config file's name holds a NUL; name an existing file")
      return nil
    }
    let descriptor = unsafe linux_open(file, O_RDONLY | O_CLOEXEC, 0)
    guard descriptor >= 0 else {
      log.report(
        .start, "cannot open the config file: \(ErrnoText.current); name a readable file")
      return nil
    }
    defer { close(descriptor) }
    return read(descriptor: descriptor, log: log)
  }

  /// Reads an open file to its end; nil when it cannot be used, which has then been reported.
  static func read(descriptor: CInt, log: ProblemLog) -> String? {
    guard let bytes = allBytes(of: descriptor, log: log) else { return nil }
    return decode(bytes, log: log)
  }

  private static func allBytes(of descriptor: Int32, log: ProblemLog) -> [UInt8]? {
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let got = unsafe block.withUnsafeMutableBytes {
        unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
      }
      if got < 0 && errno == EINTR { continue }
      guard got >= 0 else {
        log.report(
          .start, "cannot read the config file: \(ErrnoText.current); name a readable file")
        return nil
      }
      if got == 0 { return bytes }
      bytes += block[..<got]
      guard bytes.count <= maximumByteCount else {
        log.report(.start, "the config file is larger than 64 MiB; is it a config at all?")
        return nil
      }
    }
  }

  /// Decodes UTF-8 and drops a byte order mark, which would shift the columns of line 1.
  static func decode(_ bytes: [UInt8], log: ProblemLog) -> String? {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      log.report(
        firstInvalidMark(bytes),
        "the file is not UTF-8 text from here on; save it as UTF-8")
      return nil
    }
    guard text.unicodeScalars.first == "\u{FEFF}" else { return text }
    return String(text.unicodeScalars.dropFirst())
  }

  /// Where the first byte stands that is not UTF-8.
  private static func firstInvalidMark(_ bytes: [UInt8]) -> SourceMark {
    var mark = SourceMark.start
    var decoder = UTF8()
    var input = bytes.makeIterator()
    while case .scalarValue(let scalar) = decoder.decode(&input) {
      if scalar == "\n" {
        mark = SourceMark(line: mark.line + 1, column: 1)
      } else {
        mark.column += 1
      }
    }
    return mark
  }
}
