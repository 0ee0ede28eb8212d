import BlockIO
import DMIO
import Testing

/// Requests of which each is started by its predecessor's notify function.
final class Chain: Sendable {
  let notified = Notified()
  private let rig: Rig
  private let length: Int
  private let seenInUse = ConditionLock<[Int]>([])

  init(_ rig: Rig, length: Int) {
    self.rig = rig
    self.length = length
  }

  /// Slots in use each time notify ran, before it did anything.
  var inUseCounts: [Int] { seenInUse.withLock { $0 } }

  func next() throws {
    try rig.client.start(.flush, on: [rig.region(0, 0, 8)]) { [self] result in
      seenInUse.withLock { $0.append(rig.client.inUseCount) }
      notified.append(result)
      if notified.count < length { #expect(throws: Never.self) { try next() } }
    }
  }
}

/// Regions that stay where they are, for requests on a lane.
@safe final class RegionList {
  private let regions: UnsafeMutableBufferPointer<Region>

  init(_ list: [Region]) {
    unsafe regions = .allocate(capacity: list.count)
    _ = unsafe regions.initialize(from: list)
  }

  deinit { unsafe regions.deinitialize().deallocate() }

  func request(_ operation: Operation, memory: TransferMemory = .none) -> IORequest {
    unsafe IORequest(operation, regions: UnsafeBufferPointer(regions), memory: memory)
  }
}
