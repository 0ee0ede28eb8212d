internal import BlockIO
internal import CFUSE3
internal import DMIO
internal import FuseRing
internal import Glibc
internal import Volumes

/// Serves requests that have come to seats, on the thread of its worker: takes them apart, has the
/// worker or libfuse serve them, and leaves the answer in the seat.
@safe final class RingServer {
  // Safe: a seat's memory is only lent to calls made while it holds a request.

  let worker: Worker
  private let door: SessionDoor
  /// The request that libfuse is at, if there is one.
  private var pending: (header: fuse_in_header, seat: RingSeat)?

  init(worker: Worker, door: SessionDoor) {
    self.worker = worker
    self.door = door
    unsafe worker.takeAnswer = { [unowned self] pieces in unsafe takeAnswer(pieces) }
  }

  /// Serves requests that may wait, until the mount is gone.
  ///
  /// A leg that is late does not keep the thread: the seat's memory was renewed, and what is late
  /// is looked after between requests.
  func serve(_ workers: RingWorkers<RingJob>) {
    while true {
      let isLate = worker.lane.lateCount > 0
      switch workers.next(atMostMilliseconds: isLate ? 200 : nil) {
      case .job(let job):
        _ = serve(job.seat)
        job.queue.handBack(job.seat)
      case .nothing: break
      case .over: return worker.awaitLate()
      }
      if isLate { worker.lane.poll(waiting: false) }
    }
  }

  /// Serves a seat's request. False when it was postponed, because the worker must not wait: then
  /// nothing has changed, and there is no answer.
  func serve(_ seat: RingSeat) -> Bool {
    let header = unsafe seat.messageHeader.load(as: fuse_in_header.self)
    let body = unsafe seat.operationHeader
    seat.hasAnswer = false
    switch header.opcode {
    case FUSE_READ.rawValue:
      let request = unsafe body.load(as: fuse_read_in.self)
      worker.read(request, header, into: seat, RingReply(seat: seat, unique: header.unique))
    case FUSE_WRITE.rawValue:
      let request = unsafe body.load(as: fuse_write_in.self)
      let reply = RingReply(seat: seat, unique: header.unique)
      if seat.payloadByteCount >= Int(request.size) {
        worker.write(request, header, from: seat, reply)
      } else {
        reply.fail(.invalid)
      }
    default:
      process(header, in: seat)
    }
    return seat.hasAnswer
  }

  /// Hands libfuse the request in one piece, as it would lie on /dev/fuse.
  private func process(_ header: fuse_in_header, in seat: RingSeat) {
    let headerByteCount = MemoryLayout<fuse_in_header>.size
    let operationByteCount = Int(header.len) - headerByteCount - seat.payloadByteCount
    guard unsafe (0...seat.operationHeader.count).contains(operationByteCount),
      Int(header.len) <= WorkerMemory.byteCount
    else { return RingReply(seat: seat, unique: header.unique).fail(.invalid) }
    let message = unsafe UnsafeMutableRawBufferPointer(
      start: worker.scratch, count: Int(header.len))
    unsafe message.storeBytes(of: header, as: fuse_in_header.self)
    unsafe UnsafeMutableRawBufferPointer(rebasing: message[headerByteCount...])
      .copyMemory(
        from: UnsafeRawBufferPointer(rebasing: seat.operationHeader[..<operationByteCount]))
    unsafe UnsafeMutableRawBufferPointer(
      rebasing: message[(headerByteCount + operationByteCount)...]
    ).copyMemory(
      from: UnsafeRawBufferPointer(start: seat.payload, count: seat.payloadByteCount))
    pending = (header, seat)
    unsafe door.process(message)
    // libfuse owes none to what has no answer; this queue brings nothing of that kind.
    if pending != nil { RingReply(seat: seat, unique: header.unique).fail(.ioError) }
    pending = nil
  }

  /// Takes what libfuse answers, if it is an answer to the request that it is at: notifications go
  /// to /dev/fuse.
  private func takeAnswer(_ pieces: UnsafeBufferPointer<iovec>) -> Bool {
    guard let (header, seat) = pending, let first = unsafe pieces.first?.iov_base else {
      return false
    }
    let answer = unsafe first.load(as: fuse_out_header.self)
    guard answer.unique == header.unique else { return false }
    pending = nil
    let reply = RingReply(seat: seat, unique: header.unique)
    if answer.error != 0 {
      reply.fail(Errno(-answer.error))
    } else {
      unsafe reply.copy(pieces.dropFirst())
    }
    return true
  }
}
