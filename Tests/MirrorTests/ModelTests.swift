import BlockIO
import BlockIOFaults
import Glibc
import Testing

@testable import Mirror

/// Legs whose caches can lie: a failed flush loses some of what was not flushed, and the next one
/// succeeds, as Linux does it.
final class LyingLegs: Sendable {
  struct State: Sendable {
    var random: SeededRandom
    /// What each leg would hold after a power loss.
    var durable: [[UInt8]]
    /// Legs that fail the operation in this step.
    var failing: [Operation: LegBits] = [:]
  }

  let state: ConditionLock<State>
  private let memory: MemoryBackend
  private let devices: [Device]

  init(_ rig: MirrorRig, seed: UInt64) {
    memory = rig.memory
    devices = rig.devices
    let empty = rig.devices.map { [UInt8](repeating: 0, count: Int($0.capacity.rawValue)) }
    state = ConditionLock(State(random: SeededRandom(seed: seed), durable: empty))
  }

  func fault(_ leg: Int, _ facts: TransferFacts) -> Fault? {
    state.withLock { state in
      let fails = state.failing[facts.operation]?.contains(index: leg) ?? false
      switch facts.operation {
      case .flush:
        let bytes = memory.contents(of: devices[leg])
        let current = stride(from: 0, to: bytes.count, by: sectorByteCount).map { bytes[$0] }
        guard fails else {
          state.durable[leg] = current
          return nil
        }
        for sector in current.indices where current[sector] != state.durable[leg][sector] {
          guard Bool.random(using: &state.random) else { continue }
          let lost = [UInt8](repeating: state.durable[leg][sector], count: sectorByteCount)
          memory.overwrite(devices[leg], at: sector * sectorByteCount, with: lost)
        }
        state.durable[leg] = memory.contents(of: devices[leg]).enumerated().compactMap {
          $0.offset % sectorByteCount == 0 ? $0.element : nil
        }
        return .fail(.ioError)
      case .write where fails:
        let sectorCount = Int.random(
          in: 0..<facts.byteCount / sectorByteCount, using: &state.random)
        return .fail(
          Bool.random(using: &state.random) ? .ioError : .noSpace,
          afterByteCount: sectorCount * sectorByteCount)
      default:
        return fails ? .fail(.ioError) : nil
      }
    }
  }
}

/// A generator that repeats itself: SplitMix64.
struct SeededRandom: RandomNumberGenerator, Sendable {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// What a volume may answer, by the contract alone.
struct ReferenceModel {
  /// The values that a read of each sector may return.
  var allowed: [Set<UInt8>]
  /// Everything that each sector may fall back to until a flush succeeds.
  var sinceFlush: [Set<UInt8>]
  /// A flush that a write made to save itself may have failed.
  var hasFailedFlush = false
  var mustReportLoss = false

  init(sectorCount: Int) {
    allowed = Array(repeating: [0], count: sectorCount)
    sinceFlush = allowed
  }

  mutating func wrote(_ sectors: Range<Int>, _ value: UInt8, succeeded: Bool) {
    for sector in sectors {
      if succeeded { allowed[sector] = [value] } else { allowed[sector].insert(value) }
      sinceFlush[sector].formUnion(allowed[sector])
    }
  }

  mutating func flushed(succeeded: Bool) {
    for sector in allowed.indices {
      if succeeded {
        sinceFlush[sector] = allowed[sector]
      } else {
        allowed[sector] = sinceFlush[sector]
      }
    }
    mustReportLoss = false
  }

  /// Whether a leg may hold `value`. What was not flushed may fall back when a flush of ours
  /// failed, but then the next flush has to say so.
  mutating func accepts(_ value: UInt8, in sector: Int) -> Bool {
    if allowed[sector].contains(value) { return true }
    guard hasFailedFlush, sinceFlush[sector].contains(value) else { return false }
    allowed[sector].insert(value)
    mustReportLoss = true
    return true
  }
}

@Suite("Random faults against a model of the contract (M1, M4, M5, M8)")
struct ModelTests {
  /// Steps in all; the campaign runs more with MIRRORFS_MODEL_STEPS=1000000.
  private static var stepCount: Int {
    guard let text = unsafe getenv("MIRRORFS_MODEL_STEPS") else { return 24_000 }
    return unsafe Int(String(cString: text)) ?? 24_000
  }

  @Test(
    "Reads return what was acknowledged, whatever fails",
    arguments: [
      (legs: 2, quorum: 1), (legs: 2, quorum: 2), (legs: 3, quorum: 1), (legs: 3, quorum: 2),
    ])
  func model(legs: Int, quorum: Int) throws {
    let roundSteps = 60
    for round in 0..<UInt64(Self.stepCount / roundSteps / 4) {
      let seed = round &* 4 &+ UInt64(legs * 2 + quorum)
      var trace = ModelRun(legs: legs, quorum: quorum, seed: seed)
      let problem = trace.run(steps: roundSteps)
      #expect(problem == nil, "seed \(seed):\n\(trace.lines.joined(separator: "\n"))")
      if problem != nil { return }
    }
  }
}

/// One run from a clean mirror.
struct ModelRun {
  private static let sectorCount = 6
  private let rig: MirrorRig
  private let legs: LyingLegs
  private var model = ReferenceModel(sectorCount: Self.sectorCount)
  private var random: SeededRandom
  private var nextValue: UInt8 = 1
  private var mayReportLoss = false
  private(set) var lines: [String] = []

  init(legs legCount: Int, quorum: Int, seed: UInt64) {
    rig = MirrorRig(
      legs: legCount, sectors: UInt64(Self.sectorCount), policy: .roundRobin, quorum: quorum)
    legs = LyingLegs(rig, seed: seed)
    random = SeededRandom(seed: ~seed)
    let legs = legs
    rig.script.set { legs.fault($0, $1) }
  }

  /// The first thing that went wrong; nil when nothing did.
  mutating func run(steps: Int) -> String? {
    for _ in 0..<steps {
      if let problem = step() ?? checkLegs() {
        lines.append(problem)
        return problem
      }
    }
    return nil
  }

  private mutating func step() -> String? {
    let first = Int.random(in: 0..<Self.sectorCount, using: &random)
    let end = Int.random(in: first + 1...Self.sectorCount, using: &random)
    let failing = randomLegs()
    switch Int.random(in: 0..<10, using: &random) {
    case 0..<5: return write(first..<end, writesFail: failing, flushesFail: randomLegs())
    case 5..<7: return flush(failing)
    case 7..<9: return read(first..<end, failing)
    default:
      rig.mirror.clearErrors()
      lines.append("clear-errors")
      return nil
    }
  }

  private mutating func write(_ sectors: Range<Int>, writesFail: LegBits, flushesFail: LegBits)
    -> String?
  {
    arm([.write: writesFail, .flush: flushesFail])
    nextValue = nextValue == 255 ? 1 : nextValue + 1
    let isDone = attempt {
      try rig.write(UInt64(sectors.lowerBound), UInt64(sectors.count), value: nextValue)
    }
    lines.append(
      "write \(sectors) = \(nextValue), failing \(writesFail), flushes \(flushesFail): \(isDone)")
    // A write may flush a leg to save itself, which may fail: what that leg had is then stale.
    model.wrote(sectors, nextValue, succeeded: isDone)
    model.hasFailedFlush = !flushesFail.isEmpty
    if !flushesFail.isEmpty { mayReportLoss = true }
    defer { model.hasFailedFlush = false }
    if let problem = checkLegs() { return problem }
    return writesFail.isEmpty && !isDone && rig.status.legs.allSatisfy { $0.stale.isEmpty }
      ? "a write failed for no reason" : nil
  }

  private mutating func flush(_ failing: LegBits) -> String? {
    arm([.flush: failing])
    let isDone = attempt { try rig.flush() }
    lines.append("flush, failing \(failing): \(isDone)")
    if model.mustReportLoss, isDone { return "a loss was not reported" }
    let mayFail = !failing.isEmpty || mayReportLoss
    mayReportLoss = false
    model.flushed(succeeded: isDone)
    guard isDone else { return mayFail ? nil : "a flush failed for no reason" }
    let durable = legs.state.withLock { $0.durable }
    for sector in 0..<Self.sectorCount {
      let isSafe = inSyncLegs(sector).contains {
        durable[$0][sector] == rig.contents(leg: $0)[sector]
      }
      if !isSafe { return "sector \(sector) was flushed and is durable on no in-sync leg" }
    }
    return nil
  }

  private mutating func read(_ sectors: Range<Int>, _ failing: LegBits) -> String? {
    arm([.read: failing])
    guard let values = try? rig.read(UInt64(sectors.lowerBound), UInt64(sectors.count)) else {
      lines.append("read \(sectors), failing \(failing): error")
      let isServed = sectors.allSatisfy { sector in
        inSyncLegs(sector).contains { !failing.contains(index: $0) }
      }
      return isServed ? "a read failed although an in-sync leg could serve" : nil
    }
    lines.append("read \(sectors), failing \(failing): \(values)")
    for (sector, value) in zip(sectors, values) {
      guard model.allowed[sector].contains(value) else {
        return "sector \(sector) returned \(value), allowed \(model.allowed[sector].sorted())"
      }
      // Seen once, it must not change again by itself.
      model.allowed[sector] = [value]
    }
    return nil
  }

  /// Whatever leg the next read might choose: it must hold an allowed value, and all must agree.
  private mutating func checkLegs() -> String? {
    let contents = rig.devices.indices.map { rig.contents(leg: $0) }
    for sector in 0..<Self.sectorCount {
      let values = Set(inSyncLegs(sector).map { contents[$0][sector] })
      guard values.count == 1, values.allSatisfy({ model.accepts($0, in: sector) }) else {
        return "in-sync legs hold \(values.sorted()) in sector \(sector), "
          + "allowed \(model.allowed[sector].sorted()); letters \(rig.status.letters)"
      }
    }
    return nil
  }

  private func inSyncLegs(_ sector: Int) -> [Int] {
    let one = SectorRange(first: Sector(UInt64(sector)), count: SectorCount(1))
    return rig.status.legs.indices.filter { index in
      !rig.status.legs[index].stale.contains { $0.overlaps(one) }
    }
  }

  private mutating func randomLegs() -> LegBits {
    guard Int.random(in: 0..<3, using: &random) > 0 else { return [] }
    return LegBits.all(count: rig.devices.count)
      .intersection(LegBits(rawValue: random.next()))
  }

  private func arm(_ failing: [Operation: LegBits]) {
    legs.state.withLock { $0.failing = failing }
  }

  private func attempt(_ body: () throws -> Void) -> Bool {
    do {
      try body()
      return true
    } catch {
      return false
    }
  }
}
