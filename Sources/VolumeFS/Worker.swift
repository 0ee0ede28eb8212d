internal import BlockIO
internal import CFUSE3
internal import DMIO
internal import Glibc
internal import Volumes

/// What serves one request after the other, on a thread of its own: does its I/O, answers it.
///
/// ``DeviceLoop`` and ``RingServer`` bring the requests. READ and WRITE are taken from the kernel's
/// message as it is; all others go through libfuse. The worker owns its lane and nothing that
/// others wait for. Where its lane must not wait, READ and WRITE are served only if that takes no
/// wait, and postponed otherwise.
@safe final class Worker {
  // Safe: the scratch is made in init, freed in deinit, and only lent to calls made in between.

  let fileSystem: VolumeFileSystem
  let lane: IOLane
  /// For the ragged edges of writes; costs nothing until it is touched.
  private(set) var scratch: UnsafeMutableRawPointer
  /// Takes libfuse's answer to the request that the worker is at; nil: it goes to /dev/fuse.
  /// Says whether it was that request's.
  var takeAnswer: ((UnsafeBufferPointer<iovec>) -> Bool)?

  init(
    fileSystem: VolumeFileSystem, willWait: @escaping () -> Void
  ) throws(IORequestError) {
    self.fileSystem = fileSystem
    lane = try fileSystem.client.makeLane()
    unsafe scratch = unsafe WorkerMemory.map(WorkerMemory.byteCount, isPopulated: false)
    lane.willWait = willWait
  }

  deinit {
    fileSystem.client.giveBack(lane)
    unsafe munmap(scratch, WorkerMemory.byteCount)
  }

  /// Serves a READ.
  ///
  /// - Parameter memory: where the data goes.
  func read<Answer: TransferReply & ~Copyable>(
    _ request: fuse_read_in, _ header: fuse_in_header, into memory: some TransferMemoryOwner,
    _ reply: consuming Answer
  ) {
    guard Int(request.size) <= VolumeFileSystem.mostTransferByteCount else {
      return reply.fail(.invalid)
    }
    switch Inode(header.nodeid, in: fileSystem.table) {
    case .volume(let volume)?:
      unsafe answer(reply, from: memory) { (buffer) throws(Errno) in
        try unsafe volume.read(
          at: request.offset, byteCount: Int(request.size), into: buffer, on: lane)
      }
    case .hidden(let node)?: readHidden(request, node, into: memory, reply)
    case .directory?, nil: reply.fail(.invalid)
    }
  }

  /// Answers with the bytes that `body` puts into the memory that it is given.
  @inline(__always)
  func answer<Answer: TransferReply & ~Copyable>(
    _ reply: consuming Answer, from memory: some TransferMemoryOwner,
    _ body: (UnsafeMutableRawPointer) throws(Errno) -> UnsafeRawBufferPointer
  ) {
    do throws(Errno) {
      let renew = { self.lane.afterLateRequests(memory.renew()) }
      let bytes = try unsafe again(renew) { () throws(Errno) in try unsafe body(memory.payload) }
      unsafe reply.read(bytes, in: memory.payload)
    } catch {
      refuse(reply, error)
    }
  }

  /// Serves a WRITE, whose data is in `memory`.
  func write<Answer: TransferReply & ~Copyable>(
    _ request: fuse_write_in, _ header: fuse_in_header, from memory: some TransferMemoryOwner,
    _ reply: consuming Answer
  ) {
    guard case .volume(let volume)? = Inode(header.nodeid, in: fileSystem.table),
      Int(request.size) <= VolumeFileSystem.mostTransferByteCount
    else { return reply.fail(.invalid) }
    let isPastEnd = request.offset + UInt64(request.size) > volume.byteCount
    let isGathered = request.write_flags & UInt32(FUSE_WRITE_CACHE) != 0
    if isPastEnd, isGathered {
      fileSystem.noteOverrun(
        of: volume, number: header.nodeid, byteCount: Int(request.size))
    }
    let lateTotal = lane.lateTotal
    let outcome: Result<Int, Errno>
    do throws(Errno) {
      let bytes = unsafe UnsafeRawBufferPointer(start: memory.payload, count: Int(request.size))
      let count = try again(renewScratch) { () throws(Errno) in
        try unsafe volume.write(bytes, at: request.offset, scratch: scratch, on: lane)
      }
      outcome = isPastEnd && isGathered ? .failure(.noSpace) : .success(count)
    } catch {
      outcome = .failure(error)
    }
    if lane.lateTotal != lateTotal, memory.isUsedAgain {
      // A late leg is still being written from either: the next request must not lie there.
      lane.afterLateRequests(memory.renew())
      renewScratch()
    }
    switch outcome {
    case .success(let count): reply.wrote(byteCount: count)
    case .failure(let error): refuse(reply, error)
    }
  }

  private func refuse(_ reply: consuming some TransferReply & ~Copyable, _ error: Errno) {
    if lane.mustNotWait, error == .wouldBlock { reply.postpone() } else { reply.fail(error) }
  }

  /// Makes an attempt again, with other memory, for as long as a leg that is late spoils it.
  private func again<R>(
    _ renew: () -> Void, _ attempt: () throws(Errno) -> R
  ) throws(Errno) -> R {
    while true {
      do throws(Errno) {
        return try attempt()
      } catch .restart {
        renew()
      }
    }
  }

  private func renewScratch() {
    let spoilt = unsafe scratch
    lane.afterLateRequests { unsafe munmap(spoilt, WorkerMemory.byteCount) }
    unsafe scratch = unsafe WorkerMemory.map(WorkerMemory.byteCount, isPopulated: false)
  }

  /// Waits for what is late, as long as the mount is there.
  ///
  /// Where that has not ended when the mount goes, the thread waits until the process ends: the
  /// kernel may still use its memory.
  func awaitLate() {
    guard !lane.drain(while: { !fileSystem.gate.isClosed }) else { return }
    fileSystem.noteHung()
    while true { sleep(1000) }
  }
}
