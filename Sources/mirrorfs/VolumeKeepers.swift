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
  private static let watchMilliseconds = 5000
  /// Volumes that are worked on at once: each takes a thread, and a step's memory for each leg.
  private static let mostAtOnce = 32

  private struct State {
    var isEnding = false
    /// Somebody asked for work: the next look is now.
    var isCalled = false
    /// Volumes whose thread is running.
    var running: Set<ObjectIdentifier> = []
    /// A volume with work found no place among them.
    var isCrowded = false
    var volumes: [Volume]
    /// The thread that looks after buffered and cut legs, which may hang, is there.
    var isWatching = false
  }

  private let client: IOClient
  private let state: ConditionLock<State>
  private let thread = ConditionLock<IOThread?>(nil)

  /// How long the end waits for work that a hung leg holds up.
  private static let endMilliseconds = 10_000

  init(volumes: [Volume], client: IOClient) {
    state = ConditionLock(State(volumes: volumes))
    self.client = client
  }

  func start() {
    for volume in volumes { listen(to: volume) }
    thread.withLock { $0 = IOThread(name: "mirrorfs-keepers") { self.run() } }
    state.withLock { $0.isWatching = true }
    IOThread(name: "mirrorfs-watch") {
      self.watch()
      self.state.withLock { $0.isWatching = false }
      self.state.wakeAll()
    }.detach()
  }

  private var volumes: [Volume] { state.withLock { $0.volumes } }

  private func listen(to volume: Volume) {
    volume.mirror.whenWorkComes { [state] in
      state.withLock { $0.isCalled = true }
      state.wakeAll()
    }
  }

  /// Takes on volumes, and lets others go: returns when nothing is done for those any more.
  func change(adding added: [Volume], removing removed: [Volume]) {
    for volume in added { listen(to: volume) }
    for volume in removed { volume.mirror.setPaused(true) }
    let gone = Set(removed.map { ObjectIdentifier($0) })
    state.withLock { state in
      state.volumes.removeAll { gone.contains(ObjectIdentifier($0)) }
      state.volumes += added
    }
    state.wait { $0.running.isDisjoint(with: gone) ? () : nil }
    for volume in removed { volume.mirror.whenWorkComes(nil) }
  }

  /// Returns when no background work is being done any more; false when a hung leg holds some up.
  func end() -> Bool {
    state.withLock { $0.isEnding = true }
    state.wakeAll()
    thread.withLock { thread in
      thread?.join()
      thread = nil
    }
    let hasEnded: Void? = state.wait(atMostMilliseconds: Self.endMilliseconds) { state in
      state.running.isEmpty && !state.isWatching ? () : nil
    }
    for volume in volumes { volume.mirror.whenWorkComes(nil) }
    return hasEnded != nil
  }

  private func run() {
    while !isEnding {
      for volume in volumes where volume.mirror.hasWork() { begin(volume) }
      _ = state.wait(atMostMilliseconds: Self.lookMilliseconds) { state -> Bool? in
        guard state.isEnding || state.isCalled else { return nil }
        state.isCalled = false
        return true
      }
    }
  }

  private var isEnding: Bool { state.withLock { $0.isEnding } }

  private func begin(_ volume: Volume) {
    let number = ObjectIdentifier(volume)
    let isFree = state.withLock { state in
      if state.running.contains(number) { return false }
      guard state.running.count < Self.mostAtOnce else {
        state.isCrowded = true
        return false
      }
      return state.volumes.contains { $0 === volume } && state.running.insert(number).inserted
    }
    guard isFree else { return }
    let thread = IOThread(name: "mirrorfs-keep") { [self] in
      _ = try? client.withLane { (lane) in
        MirrorKeeper(volume.mirror, lane: lane).work { !isEnding }
      }
      state.withLock { state in
        state.running.remove(number)
        // Whoever found no place is looked for at once.
        if state.isCrowded { (state.isCrowded, state.isCalled) = (false, true) }
      }
      state.wakeAll()
    }
    thread.detach()
  }

  private func watch() {
    while true {
      let isEnding = state.wait(atMostMilliseconds: Self.watchMilliseconds) { state -> Bool? in
        state.isEnding ? true : nil
      }
      if isEnding == true { return }
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
