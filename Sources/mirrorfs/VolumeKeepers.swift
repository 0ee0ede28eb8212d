import BlockIO
import DMIO
import Logging
import Mirror
import Volumes

/// Sees to the background work of all volumes: looks every quarter of a second which of them have
/// some, and gives each of those a thread until there is none, so that a leg that hangs holds up
/// its own volume only. Every five seconds it looks after buffered and cut legs (rule M19).
final class VolumeKeepers: Sendable {
  private static let lookMilliseconds = 250
  private static let looksPerWatch = 20

  private struct State {
    var isEnding = false
    /// Somebody asked for work: the next look is now.
    var isCalled = false
    /// Numbers of volumes whose thread is running.
    var running: Set<Int> = []
  }

  private let volumes: [Volume]
  private let client: IOClient
  private let state = ConditionLock(State())
  private let thread = ConditionLock<IOThread?>(nil)

  init(volumes: [Volume], client: IOClient) {
    self.volumes = volumes
    self.client = client
  }

  func start() {
    for volume in volumes {
      volume.mirror.whenWorkComes { [state] in
        state.withLock { $0.isCalled = true }
        state.wakeAll()
      }
    }
    thread.withLock { $0 = IOThread(name: "mirrorfs-watch") { self.run() } }
  }

  /// Returns when no background work is being done any more.
  func end() {
    state.withLock { $0.isEnding = true }
    state.wakeAll()
    thread.withLock { thread in
      thread?.join()
      thread = nil
    }
    state.wait { $0.running.isEmpty ? () : nil }
    for volume in volumes { volume.mirror.whenWorkComes(nil) }
  }

  private func run() {
    var looks = 0
    while !isEnding {
      for (number, volume) in volumes.enumerated() where volume.mirror.hasWork() {
        begin(number, volume)
      }
      looks += 1
      if looks % Self.looksPerWatch == 0 { watch() }
      _ = state.wait(atMostMilliseconds: Self.lookMilliseconds) { state -> Bool? in
        guard state.isEnding || state.isCalled else { return nil }
        state.isCalled = false
        return true
      }
    }
  }

  private var isEnding: Bool { state.withLock { $0.isEnding } }

  private func begin(_ number: Int, _ volume: Volume) {
    guard state.withLock({ $0.running.insert(number).inserted }) else { return }
    let thread = IOThread(name: "mirrorfs-keep") { [self] in
      _ = try? client.withLane { (lane) in
        MirrorKeeper(volume.mirror, lane: lane).work { !isEnding }
      }
      state.withLock { _ = $0.running.remove(number) }
      state.wakeAll()
    }
    thread.detach()
  }

  private func watch() {
    for volume in volumes {
      volume.mirror.checkSizes()
      let isBuffered = volume.mirror.legs.contains { !$0.region.device.isDirect }
      if isBuffered, !volume.access.isReadOnly { flush(volume) }
    }
  }

  /// What a failing flush means is the mirror's business, and nobody waits for this one.
  private func flush(_ volume: Volume) {
    _ = try? client.withLane { (lane) in volume.flushUnasked(on: lane) }
  }
}
