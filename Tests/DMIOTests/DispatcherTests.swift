import BlockIO
import BlockIOFaults
import DMIO
import Testing

/// The client's own thread: it waits for nothing but devices, and ends with its client.
@Suite("The client's thread", .endsInTime)
struct DispatcherTests {
  @Test("a client may go in its own notify function", arguments: Bench.allCases)
  func clientEndsInNotify(bench: Bench) throws {
    for round in 0..<20 {
      let rig = try Rig(bench, deviceCount: 1)
      let notified = Notified()
      let ended = EndedClients()
      // The rig keeps its own client; this one has no other owner than its requests.
      try startAndForget(rig, round, notified, ended)
      try notified.wait(count: 1 + round % 3)
      #expect(ended.waitForAll())
    }
  }

  private func startAndForget(
    _ rig: Rig, _ round: Int, _ notified: Notified, _ ended: EndedClients
  ) throws {
    let client = IOClient(backend: CountedBackend(rig.client.backend, ended), pages: 1)
    for _ in 0...round % 3 {
      try client.start(.flush, on: [rig.region(0, 0, 0)]) { notified.append($0) }
    }
  }

  @Test("a client that goes when its requests have just ended", arguments: Bench.allCases)
  func clientEndsAfterNotify(bench: Bench) throws {
    let rig = try Rig(bench, deviceCount: 1)
    for _ in 0..<100 {
      let notified = Notified()
      let ended = EndedClients()
      do {
        let client = IOClient(backend: CountedBackend(rig.client.backend, ended), pages: 1)
        try client.start(.flush, on: [rig.region(0, 0, 0)]) { notified.append($0) }
        try notified.wait(count: 1)
      }
      #expect(ended.waitForAll())
    }
  }

  @Test("a request without transfers does not keep its client alive")
  func emptyRequest() throws {
    let ended = EndedClients()
    let notified = Notified()
    do {
      let client = IOClient(backend: CountedBackend(MemoryBackend(), ended), pages: 1)
      try client.start(.flush, on: []) { notified.append($0) }
    }
    try notified.wait(count: 1)
    #expect(ended.waitForAll())
  }

  @Test("everything is handed to the devices before the thread waits")
  func handsOverBeforeWaiting() throws {
    let log = ReapLog()
    let client = IOClient(backend: WatchedBackend(log), pages: 1)
    let device = Device(descriptor: 0, capacity: SectorCount(8))
    let region = Region(
      device: device, sectors: SectorRange(first: Sector(0), count: SectorCount(0)))
    let notified = Notified()
    try client.start(.flush, on: [region]) { notified.append($0) }
    try notified.wait(count: 1)
    #expect(log.firstWasWaiting == false)
  }

  @Test("a backend without queues fails requests instead of hanging them")
  func noQueue() throws {
    let client = IOClient(backend: BarrenBackend(), pages: 1)
    let device = MemoryBackend().makeDevice(capacity: SectorCount(8))
    let region = Region(
      device: device, sectors: SectorRange(first: Sector(0), count: SectorCount(0)))
    #expect(throws: IORequestError.noQueue(.notPermitted)) {
      try client.perform(.flush, on: [region])
    }
    #expect(throws: IORequestError.noQueue(.notPermitted)) { try client.makeLane() }
    let notified = Notified()
    try client.start(.flush, on: [region, region]) { notified.append($0) }
    let result = try notified.first()
    #expect(result.errorBits == ErrorBits(rawValue: 0b11))
    #expect(result.error(region: 1) == .notPermitted)
    #expect(client.inUseCount == 0)
  }
}
