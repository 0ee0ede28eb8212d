import BlockIO
import DMIO
import Logging
import Mirror
import Volumes

/// Looks after the legs every five seconds: flushes the volumes that have a buffered leg, so that a
/// page cache that lost a write is found out (rule M19), and notices legs that were cut.
final class LegWatch: Sendable {
  private static let milliseconds = 5000

  private let volumes: [Volume]
  private let client: IOClient
  private let isEnding = ConditionLock(false)
  private let thread = ConditionLock<IOThread?>(nil)

  init(volumes: [Volume], client: IOClient) {
    self.volumes = volumes
    self.client = client
  }

  func start() {
    thread.withLock { $0 = IOThread(name: "mirrorfs-watch") { self.run() } }
  }

  func end() {
    isEnding.withLock { $0 = true }
    isEnding.wakeAll()
    thread.withLock { thread in
      thread?.join()
      thread = nil
    }
  }

  private func run() {
    while isEnding.wait(atMostMilliseconds: Self.milliseconds, until: { $0 ? true : nil }) == nil {
      for volume in volumes {
        volume.mirror.checkSizes()
        let isBuffered = volume.mirror.legs.contains { !$0.region.device.isDirect }
        if isBuffered, !volume.access.isReadOnly { flush(volume) }
      }
    }
  }

  /// What a failing flush means is the mirror's business, and nobody waits for this one.
  private func flush(_ volume: Volume) {
    _ = try? client.withLane { (lane) in volume.flushUnasked(on: lane) }
  }
}
