internal import BlockIO
internal import CFUSE3
internal import DMIO
internal import FuseRing
internal import Glibc

/// A thread's way to requests by a seat at one of the kernel's queues.
@safe final class RingLoop {
  // Safe: the seat's memory is only lent to calls made while it holds a request.

  private let worker: Worker
  private let door: SessionDoor
  private let seat: RingSeat
  private let memory: RingMemory
  private let queue: RingCrew.Queue
  /// The request that libfuse is at, if there is one.
  private var pending: fuse_in_header?

  /// - Throws: the errno of what the kernel has not: memory, or a descriptor.
  init(worker: Worker, door: SessionDoor, queue: RingCrew.Queue) throws(Errno) {
    self.worker = worker
    self.door = door
    self.queue = queue
    seat = try RingSeat(
      descriptor: door.descriptor, queue: queue.number,
      payloadByteCount: WorkerMemory.byteCount - WorkerMemory.pageByteCount)
    memory = RingMemory(of: seat)
    unsafe worker.takeAnswer = { [unowned self] pieces in unsafe takeAnswer(pieces) }
  }

  /// - Throws: the errno of the kernel, which then hands out all requests on /dev/fuse.
  func takeSeat() throws(Errno) { try seat.take() }

  /// Serves until the mount is gone. The queue counts this seat as free.
  ///
  /// A leg that is late does not end the loop, because nobody else could answer with this seat: its
  /// memory was renewed, and what is late is looked after between requests.
  /// - Parameter whenNothingMoves: called once when the seat was just taken, gets no request, and
  ///   no other of the queue answers one: something may wait that came before the seat.
  func run(whenNothingMoves: (() -> Void)?) {
    var whenNothingMoves = whenNothingMoves
    let answerCount = queue.answerCount
    while true {
      let milliseconds = whenNothingMoves != nil ? 5 : worker.lane.lateCount > 0 ? 200 : nil
      switch seat.exchange(atMostMilliseconds: milliseconds) {
      case .request:
        whenNothingMoves = nil
        queue.noteTaken()
        serve()
        queue.noteFree()
      case .nothing:
        if queue.answerCount == answerCount { whenNothingMoves?() }
        whenNothingMoves = nil
      case .over:
        worker.fileSystem.gate.close()
        return worker.awaitLate()
      }
      if worker.lane.lateCount > 0 { worker.lane.poll(waiting: false) }
    }
  }

  private func serve() {
    let header = unsafe seat.messageHeader.load(as: fuse_in_header.self)
    let body = unsafe seat.operationHeader
    switch header.opcode {
    case FUSE_READ.rawValue:
      let request = unsafe body.load(as: fuse_read_in.self)
      worker.read(request, header, into: memory, RingReply(seat: seat, unique: header.unique))
    case FUSE_WRITE.rawValue:
      let request = unsafe body.load(as: fuse_write_in.self)
      let reply = RingReply(seat: seat, unique: header.unique)
      guard seat.payloadByteCount >= Int(request.size) else { return reply.fail(.invalid) }
      worker.write(request, header, from: memory, reply)
    default:
      process(header)
    }
  }

  /// Hands libfuse the request in one piece, as it would lie on /dev/fuse.
  private func process(_ header: fuse_in_header) {
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
      from: UnsafeRawBufferPointer(rebasing: seat.payload[..<seat.payloadByteCount]))
    pending = header
    unsafe door.process(message)
    // libfuse owes none to what has no answer; this queue brings nothing of that kind.
    if pending != nil { RingReply(seat: seat, unique: header.unique).fail(.ioError) }
    pending = nil
  }

  /// Takes what libfuse answers, if it is an answer to the request that it is at: notifications go
  /// to /dev/fuse.
  private func takeAnswer(_ pieces: UnsafeBufferPointer<iovec>) -> Bool {
    guard let header = pending, let first = unsafe pieces.first?.iov_base else { return false }
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
