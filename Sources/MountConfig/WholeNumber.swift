/// A number written in plain decimal digits.
///
/// YAML 1.1 reads `010` as eight and `1:30` as ninety; none of that is meant in a config.
struct WholeNumber {
  /// Above every number that is legal anywhere in a config when the digits do not fit.
  let rawValue: UInt64
  let isTooLarge: Bool

  /// Nil unless the text is digits only, without leading zeroes.
  init?(_ text: some StringProtocol) {
    guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      text == "0" || !text.hasPrefix("0")
    else { return nil }
    rawValue = UInt64(text) ?? .max
    isTooLarge = UInt64(text) == nil
  }
}
