import BlockIO
import BlockIOFaults
import Foundation
import Testing

@testable import Mirror

@Suite("Legs handed over to the kernel's mirror: nothing old is trusted, nothing new is lost")
final class StateHandoverTests {
  private let folder = FileManager.default.temporaryDirectory.path + "/handover-\(UUID())"
  private let legs: [Leg]
  private static let sectorCount: UInt64 = 1 << 20

  init() throws {
    let memory = MemoryBackend()
    legs = (0..<3).map { index in
      let device = memory.makeDevice(capacity: SectorCount(Self.sectorCount))
      let sectors = SectorRange(first: Sector(0), count: SectorCount(Self.sectorCount))
      return Leg(file: nil, region: Region(device: device, sectors: sectors), name: "leg\(index)")
    }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private static func range(_ first: UInt64, _ count: UInt64) -> SectorRange {
    SectorRange(first: Sector(first), count: SectorCount(count))
  }

  private func options(_ initialSync: InitialSync = .verify) -> DurableOptions {
    DurableOptions(folder: folder, volume: "vol", initialSync: initialSync)
  }

  /// A state of a clean stop with everything in sync, changed by `change`.
  private func save(_ change: (inout SavedState) -> Void = { _ in }) throws {
    var state = SavedState(
      volume: "vol", sectorCount: Self.sectorCount, generation: 1, isClean: true,
      errorBitsSeen: [], errorBitsLast: [], unverified: [], disputed: [], unserved: [],
      scrub: nil,
      legs: legs.map { leg in
        SavedLeg(
          identity: LegIdentity(leg, diskMark: 0), isOut: false, isHeld: false, causes: [],
          counters: LegCounters(), lastError: nil, stale: [], unwritten: [], unreadable: [])
      })
    change(&state)
    try StateFile(folder: folder).replace(with: state.encode())
  }

  /// A map in which the chunk of `sector` is marked.
  private func mark(_ sector: UInt64) throws {
    let map = try IntentMap(
      path: folder + "/intent", sectorCount: SectorCount(Self.sectorCount),
      chunk: SectorCount(8192), safety: .process)
    try map.mark(Self.range(sector, 1))
  }

  private func plan(
    source: Int? = nil, _ initialSync: InitialSync = .verify
  ) throws -> StateHandover.Plan {
    try StateHandover(options(initialSync), legs: legs).plan(source: source)
  }

  private func refusal(source: Int? = nil) -> String {
    do { return "\(try plan(source: source))" } catch {
      return (error as? DurableProblem)?.text ?? "\(error)"
    }
  }

  private let equal = StateHandover.Plan(order: [0, 1, 2], areLegsEqual: true)
  private func copied(_ order: Int...) -> StateHandover.Plan {
    StateHandover.Plan(order: order, areLegsEqual: false)
  }

  @Test("Legs are only trusted when the stop was clean and nothing is left to do")
  func trusted() throws {
    try save()
    #expect(try plan() == equal)
    try save { $0.isClean = false }
    #expect(try plan() == copied(0, 1, 2))
    try save()
    try mark(9000)
    #expect(try plan() == copied(0, 1, 2), "a marked chunk")
  }

  @Test("A leg that holds everything comes first, wherever it stands")
  func staleFirst() throws {
    try save { $0.legs[1].stale = [Self.range(5, 1)] }
    #expect(try plan() == copied(0, 1, 2))
    try save { $0.legs[0].stale = [Self.range(5, 1)] }
    #expect(try plan() == copied(1, 0, 2))
    try save { state in
      state.legs[0].stale = [Self.range(5, 1)]
      state.legs[1].unreadable = [Self.range(9, 1)]
    }
    #expect(try plan() == copied(2, 0, 1))
  }

  @Test("When no leg holds everything, there is no plan")
  func noneComplete() throws {
    try save { state in
      for index in 0..<3 { state.legs[index].stale = [Self.range(UInt64(index) * 8, 8)] }
    }
    #expect(refusal().contains("no leg holds everything"))
    #expect(refusal(source: 1).contains("has missed 8 sectors"))
  }

  @Test("What was never compared, or differs, is copied over nothing unless a leg is named")
  func nobodyKnows() throws {
    #expect(refusal().contains("not been compared"), "no state at all")
    #expect(try plan(.assumeInSync) == equal)
    #expect(try plan(.firstLeg) == copied(0, 1, 2))
    #expect(try plan(source: 2) == copied(2, 0, 1))
    try save { $0.unverified = [Self.range(0, 8)] }
    #expect(refusal().contains("not been compared"))
    try save { state in
      state.disputed = [Self.range(0, 8)]
      state.legs[1].stale = [Self.range(0, 8)]
      state.legs[2].stale = [Self.range(0, 9)]
    }
    #expect(refusal().contains("differ in 8 sectors"))
    #expect(try plan(source: 1) == copied(1, 0, 2))
    #expect(refusal(source: 2).contains("has missed 1 sectors"))
    #expect(refusal(source: 3).contains("there is no leg 3"))
    let other = "not a state".utf8
    try StateFile(folder: folder).replace(with: Array(other))
    #expect(refusal().contains("not been compared"), "a damaged state")
  }

  @Test("What a marked chunk was read as before stays what it is")
  func marked() throws {
    try save { $0.legs[0].stale = [Self.range(100_000, 8)] }
    try mark(9000)
    #expect(refusal().contains("writes were under way"))
    try save { $0.legs[0].stale = [Self.range(8192, 8192)] }
    #expect(try plan() == copied(1, 0, 2), "the first leg is not read there")
  }

  @Test("Legs out of service, or being replaced, are not handed over")
  func busy() throws {
    try save { $0.legs[1].isOut = true }
    #expect(refusal().contains("leg 1 was taken out"))
    try save()
    let handover = try StateHandover(options(), legs: legs, replacing: [2: 0])
    #expect(throws: DurableProblem.self) { try handover.plan(source: nil) }
  }

  @Test("Looking changes nothing; the note makes the next mount compare")
  func note() throws {
    try save { $0.legs[1].stale = [Self.range(5, 1)] }
    let before = try StateFile(folder: folder).read()
    let handover = try StateHandover(options(), legs: legs)
    _ = try handover.plan(source: nil)
    #expect(try StateFile(folder: folder).read() == before)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["state"])
    try handover.note()
    let mounted = try DurableState(options(), legs: legs, created: [])
    #expect(mounted.firstHealth.unverified.contains(Self.range(0, Self.sectorCount)))
    #expect(mounted.firstHealth.legs.map(\.isHeld) == [false, true, false])
    #expect(mounted.firstHealth.legs[1].stale.ranges == [Self.range(5, 1)])
    #expect(refusal().contains("not been compared"), "handed over twice")
  }
}
