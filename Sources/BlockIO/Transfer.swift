/// One operation on one device: what the engine hands to a backend for each region.
@safe public struct Transfer {
  /// Returned with the result; means nothing to the backend.
  public var tag: UInt64
  public var operation: Operation
  public var device: Device
  /// First byte on the device.
  public var byteOffset: UInt64
  /// Bytes to move, zero or give up; 0 for a flush.
  public var byteCount: Int
  /// At least `byteCount` bytes for operations that move data.
  public var memory: TransferMemory

  public init(
    tag: UInt64, operation: Operation, device: Device, byteOffset: UInt64, byteCount: Int,
    memory: TransferMemory
  ) {
    self.tag = tag
    self.operation = operation
    self.device = device
    self.byteOffset = byteOffset
    self.byteCount = byteCount
    self.memory = memory
  }
}

/// How a transfer ended. Device trouble is data, not an exception.
public struct TransferResult: Hashable, Sendable {
  public var tag: UInt64
  /// 0, or the errno of the first failure.
  public var errorNumber: CInt
  /// Bytes that did move before the failure; all of them without one.
  public var byteCount: Int

  public init(tag: UInt64, errorNumber: CInt, byteCount: Int) {
    self.tag = tag
    self.errorNumber = errorNumber
    self.byteCount = byteCount
  }
}
