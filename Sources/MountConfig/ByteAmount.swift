/// An amount as configs and commands write it: a number with a unit.
public enum ByteAmount {
  /// In bytes, whole sectors; nil for what is none.
  public static func read(_ text: String) -> UInt64? {
    guard case .sectors(let sectors) = SectorAmount.read(text, bareIsSectors: false) else {
      return nil
    }
    return sectors * 512
  }
}
