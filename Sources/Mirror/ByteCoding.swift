/// Puts numbers into bytes, little-endian.
struct ByteWriter {
  private(set) var bytes: [UInt8] = []

  mutating func put(_ number: some FixedWidthInteger) {
    var rest = number
    for _ in 0..<number.bitWidth / 8 {
      bytes.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }

  mutating func put(_ flag: Bool) { put(UInt8(flag ? 1 : 0)) }

  mutating func put(_ text: String) {
    put(UInt32(text.utf8.count))
    bytes += text.utf8
  }

  mutating func append(_ more: [UInt8]) { bytes += more }
}

/// Takes numbers out of bytes that may be damaged: it throws, and never reads past the end.
struct ByteReader {
  private let bytes: ArraySlice<UInt8>
  private var place: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    place = bytes.startIndex
  }

  var leftCount: Int { bytes.endIndex - place }

  mutating func take(_ count: Int) throws(StateDamage) -> ArraySlice<UInt8> {
    guard count >= 0, count <= leftCount else { throw .truncated }
    defer { place += count }
    return bytes[place..<place + count]
  }

  mutating func number<T: FixedWidthInteger>(_ type: T.Type) throws(StateDamage) -> T {
    let part = try take(T.bitWidth / 8)
    return part.reversed().reduce(0) { ($0 << 8) | T(truncatingIfNeeded: $1) }
  }

  mutating func flag() throws(StateDamage) -> Bool {
    switch try number(UInt8.self) {
    case 0: return false
    case 1: return true
    default: throw .contents("a flag that is neither 0 nor 1")
    }
  }

  mutating func text() throws(StateDamage) -> String {
    let count = try number(UInt32.self)
    let part = try take(Int(count))
    guard let text = String(validating: part, as: UTF8.self) else {
      throw .contents("a text that is not UTF-8")
    }
    return text
  }
}
