extension String {
  /// The value of a `key=value` pair in the log: quoted where it holds a space, a quote or an
  /// equals sign, so that a line splits at its spaces.
  public var asLogWord: String {
    let isPlain = unicodeScalars.allSatisfy { $0.value > 32 && $0 != "\"" && $0 != "=" }
    return isPlain ? self : debugDescription
  }
}
