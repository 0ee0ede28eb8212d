internal import BlockIO
internal import CFUSE3
internal import DMIO
internal import FuseRing
internal import Glibc
internal import Volumes

/// The thread that takes requests from one of the kernel's queues, and gives all its answers.
///
/// What takes no wait it serves itself: reads and writes of legs in memory. All else is for
/// ``RingWorkers``, because what comes to its seats meanwhile, maybe for another volume, would wait
/// with it (rule M12). io_uring itself does the same: it tries a request without waiting, and
/// leaves what would wait to threads of its own.
final class RingListener {
  private let server: RingServer
  private let queue: RingQueue
  private let workers: RingWorkers<RingJob>
  private var fileSystem: VolumeFileSystem { server.worker.fileSystem }
  /// Seats that are not handed out. More of them bring more requests in a system call.
  private static let usualSeatCount = 8
  /// How long nothing may move while requests may be left that the kernel does not give out, in
  /// milliseconds.
  private static let patience = 5

  init(server: RingServer, queue: RingQueue, workers: RingWorkers<RingJob>) {
    self.server = server
    self.queue = queue
    self.workers = workers
    server.worker.lane.mustNotWait = true
    // What has been answered already need not wait, too.
    server.worker.lane.willWait = { [queue] in queue.submit() }
  }

  /// Serves until the mount is gone.
  func run() {
    var hasStirred = false
    while true {
      let mustStir = queue.mayHaveMissed && !hasStirred
      switch queue.next(atMostMilliseconds: mustStir ? Self.patience : nil) {
      case .request(let seat):
        hasStirred = false
        if mayServe(seat), server.serve(seat) { queue.give(seat) } else { handOut(seat) }
        // Who has no thread left needs no seats either: their memory is bounded as threads are.
        if queue.ownSeatCount < Self.usualSeatCount, !workers.isExhausted { addSeats() }
      case .nothing:
        // What this brings is answered here at once, and so brings what is left.
        hasStirred = queue.mayHaveMissed
        if hasStirred, let mountPoint = fileSystem.mountedAt { queue.stir(by: mountPoint) }
      case .over:
        fileSystem.gate.close()
        workers.close()
        return
      }
    }
  }

  /// Whether the request is of a kind that takes no wait; a read or write may turn out to.
  private func mayServe(_ seat: RingSeat) -> Bool {
    let header = unsafe seat.messageHeader.load(as: fuse_in_header.self)
    switch header.opcode {
    case FUSE_READ.rawValue, FUSE_WRITE.rawValue:
      guard case .volume(let volume)? = Inode(header.nodeid, in: fileSystem.table) else {
        return false
      }
      if header.opcode == FUSE_READ.rawValue { return true }
      let request = unsafe seat.operationHeader.load(as: fuse_write_in.self)
      // Of what it had gathered past the end the kernel must be told.
      return request.offset + UInt64(request.size) <= volume.byteCount
    case FUSE_STATFS.rawValue: return true
    default: return false
    }
  }

  private func handOut(_ seat: RingSeat) {
    queue.handOut(seat)
    workers.add(RingJob(seat: seat, queue: queue))
  }

  private func addSeats() {
    while queue.ownSeatCount < Self.usualSeatCount {
      // Without memory for more, those that are there serve.
      do throws(Errno) { try queue.addSeat() } catch { return }
    }
  }
}
