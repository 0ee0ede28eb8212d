internal import BlockIO
internal import DMIO
internal import EngineBaseline
internal import Glibc

/// What one call of the engine costs when no device is behind it.
struct CallCost {
  let call: String
  let regionCount: Int
  let nanoseconds: Double
  let allocationCount: Double

  var json: String {
    """
    {"call":"\(call)","regions":\(regionCount),"ns":\(rounded(nanoseconds)),\
    "allocations":\(rounded(allocationCount))}
    """
  }
}

/// Two digits behind the point are enough.
func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }

/// The middle one: one disturbed round does not count.
func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
}

/// Measures the engine's calls over a ``NullBackend``.
@safe struct CallCosts {
  // Safe: nobody moves a byte of the buffer; it lives as long as the program.
  static let callCount = 200_000
  static let roundCount = 5

  let client = IOClient(backend: NullBackend(), pages: 16)
  let regions: [Region]
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 4096)

  init() {
    let device = Device(descriptor: 0, capacity: SectorCount(1 << 20))
    regions = (0..<4).map {
      Region(
        device: device,
        sectors: SectorRange(first: Sector(UInt64($0) * 8), count: SectorCount(8)))
    }
  }

  func measureAll() async throws -> [CallCost] {
    var costs: [CallCost] = []
    let lane = try client.makeLane()
    for count in [1, 2, 4] {
      try unsafe regions[..<count].withUnsafeBufferPointer { regions in
        let request = unsafe IORequest(.write, regions: regions, memory: memory)
        costs.append(try measure("IOLane.perform", count) { _ = try lane.perform(request) })
        costs.append(try measure("IOClient.perform", count) { _ = try client.perform(request) })
      }
    }
    client.giveBack(lane)
    return costs + (try await measureAsyncForms())
  }

  private var memory: TransferMemory {
    guard let base = unsafe buffer.baseAddress else { return .none }
    return unsafe .contiguous(base, byteCount: buffer.count)
  }

  private func measureAsyncForms() async throws -> [CallCost] {
    let regions = [self.regions[0]]
    let memory = unsafe IOMemory.contiguous(buffer)
    let awaited = try await measureAsync("IOClient.run") {
      _ = try await client.run(.write, on: regions, memory: memory)
    }
    let resumed = await measureAsync("IOClient.start and a continuation") {
      await unsafe withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
        // Nothing of it is refused.
        try? client.start(.write, on: regions, memory: memory) { _ in
          unsafe continuation.resume()
        }
      }
    }
    return [awaited, resumed]
  }

  private func measure(
    _ call: String, _ regionCount: Int, _ body: () throws -> Void
  ) rethrows -> CallCost {
    for _ in 0..<1000 { try body() }
    var times: [Double] = []
    let before = baseline_allocation_count()
    for _ in 0..<Self.roundCount {
      let start = baseline_now()
      for _ in 0..<Self.callCount { try body() }
      times.append(Double(baseline_now() - start) / Double(Self.callCount))
    }
    return cost(call, regionCount, times, calls: Self.callCount * Self.roundCount, since: before)
  }

  private func measureAsync(
    _ call: String, _ body: () async throws -> Void
  ) async rethrows -> CallCost {
    let callCount = Self.callCount / 10
    for _ in 0..<1000 { try await body() }
    var times: [Double] = []
    let before = baseline_allocation_count()
    for _ in 0..<Self.roundCount {
      let start = baseline_now()
      for _ in 0..<callCount { try await body() }
      times.append(Double(baseline_now() - start) / Double(callCount))
    }
    return cost(call, 1, times, calls: callCount * Self.roundCount, since: before)
  }

  private func cost(
    _ call: String, _ regionCount: Int, _ times: [Double], calls: Int, since before: UInt64
  ) -> CallCost {
    CallCost(
      call: call, regionCount: regionCount, nanoseconds: median(times),
      allocationCount: Double(baseline_allocation_count() - before) / Double(calls))
  }
}
