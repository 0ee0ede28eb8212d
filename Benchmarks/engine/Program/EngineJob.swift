internal import BlockIO
internal import DMIO
internal import EngineBaseline

/// One contestant's job, carried out through the engine: as many requests under way as `depth`
/// says, each started by the end of another.
@safe final class EngineJob {
  // Safe: buffers belong to the caller and outlive the job; the region lists are freed in deinit.
  @safe private struct Request {
    let regions: UnsafeMutableBufferPointer<Region>
    let memory: TransferMemory
    /// Made once: to make a closure, or to take it out of an array of them, is an allocation.
    let notify: IOLane.Notify
  }

  private let lane: IOLane
  private let job: baseline_job
  private var requests: [Request] = []
  private var nextRequest: UInt64 = 0
  private var endedCount: UInt64 = 0
  private(set) var failures: [RegionFailure] = []

  init(_ job: baseline_job, devices: [Device], lane: IOLane) {
    self.lane = lane
    unsafe self.job = unsafe job
    let sectors = SectorRange(
      first: Sector(0), count: SectorCount(UInt64(unsafe job.byte_count / sectorByteCount)))
    for slot in unsafe 0..<Int(job.depth) {
      let regions = UnsafeMutableBufferPointer<Region>.allocate(capacity: devices.count)
      _ = unsafe regions.initialize(from: devices.map { Region(device: $0, sectors: sectors) })
      guard let buffer = unsafe job.buffers[slot] else { preconditionFailure("no buffer") }
      requests.append(
        unsafe Request(
          regions: regions, memory: .contiguous(buffer, byteCount: job.byte_count),
          notify: { [unowned self] result in ended(slot, result) }))
    }
  }

  deinit { for request in requests { unsafe request.regions.deallocate() } }

  /// Nanoseconds that it took.
  func run() throws(IORequestError) -> Double {
    let start = baseline_now()
    for slot in unsafe 0..<Int(job.depth) { startNext(slot) }
    while unsafe endedCount < job.request_count { lane.poll(waiting: true) }
    return Double(baseline_now() - start)
  }

  private func startNext(_ slot: Int) {
    guard unsafe nextRequest < job.request_count else { return }
    let request = requests[slot]
    let first = unsafe withUnsafePointer(to: job) { unsafe baseline_offset($0, nextRequest) }
    nextRequest += 1
    for index in unsafe request.regions.indices {
      unsafe request.regions[index].sectors.first = Sector(first / UInt64(sectorByteCount))
    }
    do throws(IORequestError) {
      try lane.start(
        unsafe IORequest(
          .write, regions: UnsafeBufferPointer(request.regions), memory: request.memory),
        notify: request.notify)
    } catch {
      preconditionFailure("the benchmark asks for nothing that is refused")
    }
  }

  private func ended(_ slot: Int, _ result: IOResult) {
    endedCount += 1
    if !result.isSuccess { failures += result.failures }
    startNext(slot)
  }
}
