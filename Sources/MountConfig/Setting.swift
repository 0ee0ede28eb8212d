/// A key's value: a broken one is reported once, and never mistaken for one left out.
enum Setting<Value> {
  case absent
  case broken
  case given(Value, SourceMark)

  var value: Value? {
    if case .given(let value, _) = self { return value }
    return nil
  }

  var mark: SourceMark? {
    if case .given(_, let mark) = self { return mark }
    return nil
  }

  var isAbsent: Bool {
    if case .absent = self { return true }
    return false
  }

  /// The value, or `fallback` when there is none; after a broken one nothing is mounted anyway.
  func value(or fallback: Value) -> Value {
    value ?? fallback
  }

  /// Turns the value into another; nil breaks the setting (and has been reported by `transform`).
  func flatMap<Other>(_ transform: (Value, SourceMark) -> Other?) -> Setting<Other> {
    switch self {
    case .absent: return .absent
    case .broken: return .broken
    case .given(let value, let mark):
      guard let other = transform(value, mark) else { return .broken }
      return .given(other, mark)
    }
  }
}
