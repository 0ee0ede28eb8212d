internal import BlockIO
internal import BlockIOUring
internal import DMIO
internal import EngineBaseline
internal import Glibc

/// One size, depth and number of regions: the engine and plain C, in turn, on the same files.
struct RaceResult {
  let byteCount: Int
  let depth: Int
  let regionCount: Int
  /// Requests a second of each contestant.
  let rates: [(name: String, rate: Double)]
  /// The engine's rate by each other's, round by round, and of these the middle one.
  let ratios: [(name: String, ratio: Double)]
  let allocationCount: Double

  var json: String {
    func object(_ pairs: [(String, Double)]) -> String {
      "{" + pairs.map { "\"\($0)\":\(rounded($1))" }.joined(separator: ",") + "}"
    }
    return """
      {"bytes":\(byteCount),"depth":\(depth),"regions":\(regionCount),\
      "requests_per_second":\(object(rates)),"engine_by":\(object(ratios)),\
      "allocations_per_request":\(rounded(allocationCount))}
      """
  }
}

/// Writes through the engine, bare io_uring and bare pwritev, to files opened for direct I/O.
@safe final class TransferRace {
  // Safe: the buffers are the pool's, and lent to one job after the other.
  static let span: UInt64 = 64 << 20
  static let mostByteCount = 1 << 20
  static let mostDepth = 32

  let files: [DeviceFile]
  let roundCount: Int
  private let client = IOClient(backend: UringBackend(), pages: 16)
  /// One that has the ring hold the pages of its memory, as `uring_registered` does.
  private let registeredClient: IOClient
  private let memory: MemoryPool

  init(paths: [String], roundCount: Int) throws(Errno) {
    self.roundCount = roundCount
    var files: [DeviceFile] = []
    for path in paths { files.append(try DeviceFile(path: path, access: .direct)) }
    self.files = files
    memory = try MemoryPool(
      pieceByteCount: Self.mostDepth * Self.mostByteCount, pieceCount: 1)
    registeredClient = IOClient(backend: UringBackend(), pages: 16, memory: memory)
    unsafe memory.withPiece { unsafe _ = $0.initializeMemory(as: UInt8.self, repeating: 0x5A) }
  }

  func measure(
    byteCount: Int, depth: Int, regionCount: Int, requestCount: Int
  ) throws -> RaceResult {
    try unsafe memory.withPiece { piece in
      try unsafe measure(
        in: piece, byteCount: byteCount, depth: depth, regionCount: regionCount,
        requestCount: requestCount)
    }
  }

  private func measure(
    in piece: UnsafeMutableRawBufferPointer, byteCount: Int, depth: Int, regionCount: Int,
    requestCount: Int
  ) throws -> RaceResult {
    let descriptors = files.prefix(regionCount).map(\.device.descriptor)
    let buffers = unsafe (0..<depth).map { place in
      unsafe piece.baseAddress.map { start in unsafe start + place * byteCount }
    }
    return try unsafe descriptors.withUnsafeBufferPointer { descriptors in
      try unsafe buffers.withUnsafeBufferPointer { buffers in
        let job = unsafe baseline_job(
          files: descriptors.baseAddress, region_count: UInt32(regionCount),
          depth: UInt32(depth), request_count: UInt64(requestCount), byte_count: byteCount,
          span: Self.span, buffers: buffers.baseAddress)
        return try unsafe race(job)
      }
    }
  }

  private func race(_ job: baseline_job) throws -> RaceResult {
    let devices = files.prefix(Int(unsafe job.region_count)).map(\.device)
    let lane = try client.makeLane()
    defer { client.giveBack(lane) }
    let registeredLane = try registeredClient.makeLane()
    defer { registeredClient.giveBack(registeredLane) }
    let lanes = ["engine": lane, "engine_registered": registeredLane]
    var job = unsafe job
    var times: [String: [Double]] = [:]
    var allocationCount = 0.0
    let names = ["engine", "engine_registered", "uring", "uring_registered", "pwritev"]
    for round in 0...roundCount {
      // Whom one runs after matters to a disk, so the order is drawn anew; the first round only
      // warms up.
      for name in names.shuffled() {
        let took: Double
        if let lane = lanes[name] {
          let engine = unsafe EngineJob(job, devices: devices, lane: lane)
          let before = baseline_allocation_count()
          took = try engine.run()
          let made = baseline_allocation_count() - before
          allocationCount = unsafe Double(made) / Double(job.request_count)
          if let failure = engine.failures.first { throw failure.error }
        } else {
          let answer =
            unsafe name == "pwritev"
            ? baseline_pwritev(&job) : baseline_uring(&job, name == "uring" ? 0 : 1)
          // The memory that may be registered is limited.
          if answer < 0, name == "uring_registered" { continue }
          if answer < 0 { throw Errno(CInt(-answer)) }
          took = Double(answer)
        }
        if round > 0 { times[name, default: []].append(took) }
      }
    }
    let engine = times["engine"] ?? []
    return unsafe RaceResult(
      byteCount: job.byte_count, depth: Int(job.depth), regionCount: Int(job.region_count),
      rates: names.compactMap { name in
        times[name].map { unsafe (name, Double(job.request_count) / median($0) * 1e9) }
      },
      ratios: names.dropFirst().compactMap { name in
        times[name].map { others in (name, median(zip(others, engine).map { $0 / $1 })) }
      },
      allocationCount: allocationCount)
  }
}
