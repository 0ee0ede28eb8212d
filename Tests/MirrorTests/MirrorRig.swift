import BlockIO
import BlockIOFaults
import DMIO

@testable import Mirror

/// A mirror set on legs in memory whose every transfer a test can make fail.
final class MirrorRig {
  /// What goes wrong, asked for each transfer.
  final class Script: Sendable {
    typealias Rule = @Sendable (_ leg: Int, TransferFacts) -> Fault?
    private let rule = ConditionLock<Rule?>(nil)

    func set(_ new: Rule?) { rule.withLock { $0 = new } }
    func fault(_ facts: TransferFacts) -> Fault? {
      rule.withLock { $0 }?(Int(facts.device.descriptor), facts)
    }
  }

  /// What the observer was told.
  final class Events: Sendable {
    private let lines = ConditionLock<[String]>([])
    func append(_ event: MirrorEvent) {
      let line =
        switch event {
        case .leg(let index, let status): "leg \(index) \(status.legs[index].letter.letter)"
        case .state(let status): "state \(status.state.word)"
        case .note(let words, _): "note \(words)"
        }
      lines.withLock { $0.append(line) }
    }
    var all: [String] { lines.withLock { $0 } }
  }

  let memory = MemoryBackend()
  let script = Script()
  let events = Events()
  let client: IOClient
  let devices: [Device]
  let mirror: MirrorSet

  init(
    legs legCount: Int = 2, sectors: UInt64 = 4096, policy: ReadPolicy = .primary,
    quorum: Int = 1, writeMostly: Set<Int> = [], block: Int = sectorByteCount,
    deadlineMilliseconds: UInt32 = 0
  ) {
    let (memory, script, events) = (memory, script, events)
    devices = (0..<legCount).map { _ in
      memory.makeDevice(capacity: SectorCount(sectors), logicalBlockByteCount: block)
    }
    client = IOClient(backend: FaultBackend(memory) { script.fault($0) }, pages: 16)
    let legs = devices.enumerated().map { index, device in
      Leg(
        file: nil,
        region: Region(
          device: device, sectors: SectorRange(first: Sector(0), count: SectorCount(sectors))),
        name: "leg\(index)", isWriteMostly: writeMostly.contains(index),
        deadlineMilliseconds: deadlineMilliseconds)
    }
    mirror = MirrorSet(
      legs: legs, policy: MirrorPolicy(readPolicy: policy, writeQuorum: quorum)
    ) { events.append($0) }
  }

  func write(_ first: UInt64, _ count: UInt64, value: UInt8) throws {
    let range = SectorRange(first: Sector(first), count: SectorCount(count))
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: Int(range.count.byteCount), alignment: 4096)
    unsafe memory.initializeMemory(
      as: UInt8.self, repeating: value, count: Int(range.count.byteCount))
    try client.withLane { (lane) throws(Errno) in
      try mirror.changing(range, on: lane) { (held) throws(Errno) in
        // A leg that is late may still use it.
        defer { held.afterLateRequests { unsafe memory.deallocate() } }
        unsafe try held.write(range, from: memory)
      }
    }.get()
  }

  func zero(_ first: UInt64, _ count: UInt64) throws {
    let range = SectorRange(first: Sector(first), count: SectorCount(count))
    try client.withLane { (lane) throws(Errno) in
      try mirror.changing(range, on: lane) { (held) throws(Errno) in
        try held.zero(range, keepsSpace: false)
      }
    }.get()
  }

  /// The first byte of each sector.
  func read(_ first: UInt64, _ count: UInt64) throws -> [UInt8] {
    let range = SectorRange(first: Sector(first), count: SectorCount(count))
    let memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: Int(range.count.byteCount), alignment: 4096)
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0xee)
    guard let start = memory.baseAddress else { return [] }
    return try client.withLane { (lane) throws(Errno) in
      try mirror.reading(range, on: lane) { (held) throws(Errno) in
        defer { held.afterLateRequests { unsafe memory.deallocate() } }
        unsafe try held.read(range, into: start)
        return stride(from: 0, to: memory.count, by: sectorByteCount).map { unsafe memory[$0] }
      }
    }.get()
  }

  func flush() throws {
    try client.withLane { (lane) throws(Errno) in try mirror.flush(on: lane) }.get()
  }

  /// All background work, whatever the back-off says.
  func work() {
    _ = try? client.withLane { (lane) in
      try? mirror.requestResync(source: nil, on: lane)
      MirrorKeeper(mirror, lane: lane).work { true }
    }
  }

  /// The first byte of each sector of one leg, behind the mirror's back.
  func contents(leg: Int) -> [UInt8] {
    let bytes = memory.contents(of: devices[leg])
    return stride(from: 0, to: bytes.count, by: sectorByteCount).map { bytes[$0] }
  }

  var status: MirrorStatus { mirror.status() }
  func stale(_ leg: Int) -> String {
    status.legs[leg].stale.map(\.description).joined(separator: " ")
  }
}
