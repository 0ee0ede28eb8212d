/// What a transfer does; each an operation of its own, none a flag of another (rule E14).
public enum Operation: UInt8, Sendable, CaseIterable {
  /// `REQ_OP_READ`
  case read
  /// `REQ_OP_WRITE`
  case write
  /// `REQ_OP_WRITE` with `REQ_FUA`: durable when the transfer ends.
  case writeThrough
  /// `REQ_OP_FLUSH`: what was written before is durable when the transfer ends.
  case flush
  /// `REQ_OP_DISCARD`: the contents are given up and undefined afterwards.
  case discard
  /// `REQ_OP_WRITE_ZEROES`: reads as zeroes afterwards and gives its space back where the device
  /// can.
  case writeZeroes
  /// `REQ_OP_WRITE_ZEROES` with `REQ_NOUNMAP`: reads as zeroes afterwards, space stays reserved.
  case writeZeroesReserved

  /// Whether the transfer moves bytes between memory and device.
  @inlinable public var movesData: Bool {
    switch self {
    case .read, .write, .writeThrough: true
    case .flush, .discard, .writeZeroes, .writeZeroesReserved: false
    }
  }
}
