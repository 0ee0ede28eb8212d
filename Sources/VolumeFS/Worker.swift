internal import BlockIO
internal import CFUSE3
internal import DMIO
internal import Glibc
internal import Volumes

/// One of the threads that serve requests: reads one, does its I/O, answers it.
///
/// READ and WRITE are taken from the kernel's message as it is; all others go through libfuse. The
/// worker owns its buffers, its lane and nothing that others wait for.
@safe final class Worker {
  // Safe: the buffers are made in init, freed in deinit, and only lent to calls made in between.

  private static let pageByteCount = 4096
  /// The headers of a WRITE: with them in front, its payload starts on a page, and goes to direct
  /// legs as it lies.
  private static let writeHeaderByteCount =
    MemoryLayout<fuse_in_header>.size + MemoryLayout<fuse_write_in>.size

  let fileSystem: VolumeFileSystem
  private let door: SessionDoor
  let lane: IOLane
  /// A page for headers, then what a request or its answer carries.
  private var buffer: UnsafeMutableRawPointer
  /// For the ragged edges of writes; costs nothing until it is touched.
  private var scratch: UnsafeMutableRawPointer
  private static let bufferByteCount =
    pageByteCount + Volume.paddedByteCount(VolumeFileSystem.mostTransferByteCount)

  var payload: UnsafeMutableRawPointer { unsafe buffer + Self.pageByteCount }

  init(fileSystem: VolumeFileSystem, door: SessionDoor) throws(IORequestError) {
    self.fileSystem = fileSystem
    self.door = door
    unsafe buffer = unsafe Self.map(Self.bufferByteCount, isPopulated: true)
    unsafe scratch = unsafe Self.map(Self.bufferByteCount, isPopulated: false)
    lane = try fileSystem.client.makeLane()
    let gate = fileSystem.gate
    lane.willWait = { gate.noteWaiting() }
  }

  deinit {
    fileSystem.client.giveBack(lane)
    unsafe munmap(buffer, Self.bufferByteCount)
    unsafe munmap(scratch, Self.bufferByteCount)
  }

  /// Serves until the mount is gone. The caller has entered the gate.
  func run() {
    let start = unsafe payload - Self.writeHeaderByteCount
    let room = Self.bufferByteCount - Self.pageByteCount + Self.writeHeaderByteCount
    let gate = fileSystem.gate
    repeat {
      let count = unsafe Glibc.read(door.descriptor, start, room)
      // ENOENT: the caller was interrupted before we got to its request.
      let error = Errno.last
      gate.leave()
      if count >= MemoryLayout<fuse_in_header>.size {
        unsafe serve(UnsafeMutableRawBufferPointer(start: start, count: count))
      } else if ![.interrupted, .wouldBlock, .noSuchFile].contains(error) {
        gate.close()
        return
      }
      // A request that missed a deadline still owns this worker's memory: another takes over.
      if lane.lateCount > 0 { return retire() }
    } while gate.enter()
  }

  private func serve(_ message: UnsafeMutableRawBufferPointer) {
    let header = unsafe message.load(as: fuse_in_header.self)
    let body = UnsafeRawBufferPointer(
      unsafe UnsafeMutableRawBufferPointer(
        rebasing: message[MemoryLayout<fuse_in_header>.size...]))
    switch header.opcode {
    case FUSE_READ.rawValue where body.count >= MemoryLayout<fuse_read_in>.size:
      let request = unsafe body.load(as: fuse_read_in.self)
      read(request, header, RawReply(descriptor: door.descriptor, unique: header.unique))
    case FUSE_WRITE.rawValue where body.count >= MemoryLayout<fuse_write_in>.size:
      let request = unsafe body.load(as: fuse_write_in.self)
      write(request, header, RawReply(descriptor: door.descriptor, unique: header.unique))
    case FUSE_INTERRUPT.rawValue:
      // Asks to hurry a request that libfuse may know nothing of; it ends in its own time.
      return
    case FUSE_INIT.rawValue:
      unsafe fileSystem.negotiation.noteOffer(UnsafeRawBufferPointer(message))
      unsafe door.process(message)
    default:
      unsafe door.process(message)
    }
  }

  private func read(
    _ request: fuse_read_in, _ header: fuse_in_header, _ reply: consuming RawReply
  ) {
    guard Int(request.size) <= VolumeFileSystem.mostTransferByteCount else {
      return reply.fail(.invalid)
    }
    switch Inode(header.nodeid, in: fileSystem.table) {
    case .volume(let volume)?:
      unsafe read(request, reply) { (request, buffer) throws(Errno) in
        try unsafe volume.read(
          at: request.offset, byteCount: Int(request.size), into: buffer, on: lane)
      }
    case .hidden(let node)?: readHidden(request, node, reply)
    case .directory?, nil: reply.fail(.invalid)
    }
  }

  /// Answers with the bytes that `body` puts into the buffer that it is given.
  @inline(__always)
  func read(
    _ request: fuse_read_in, _ reply: consuming RawReply,
    _ body: (fuse_read_in, UnsafeMutableRawPointer) throws(Errno) -> UnsafeRawBufferPointer
  ) {
    do throws(Errno) {
      let bytes = try unsafe again(renewing: &buffer) { (buffer) throws(Errno) in
        try unsafe body(request, buffer + Self.pageByteCount)
      }
      unsafe reply.read(bytes, in: payload)
    } catch {
      reply.fail(error)
    }
  }

  /// Makes an attempt again, with other memory, for as long as a leg that is late spoils it.
  private func again<R>(
    renewing memory: inout UnsafeMutableRawPointer,
    _ attempt: (UnsafeMutableRawPointer) throws(Errno) -> R
  ) throws(Errno) -> R {
    while true {
      do throws(Errno) {
        return try unsafe attempt(memory)
      } catch .restart {
        let spoilt = unsafe memory
        lane.afterLateRequests { unsafe munmap(spoilt, Self.bufferByteCount) }
        unsafe memory = unsafe Self.map(Self.bufferByteCount, isPopulated: false)
      }
    }
  }

  /// Lets another worker listen in this one's place, and waits for what is late.
  ///
  /// Where that has not ended when the mount goes, the thread waits until the process ends: the
  /// kernel may still use its memory.
  private func retire() {
    fileSystem.addWorker()
    guard !lane.drain(while: { !fileSystem.gate.isClosed }) else { return }
    fileSystem.noteHung()
    while true { sleep(1000) }
  }

  private func write(
    _ request: fuse_write_in, _ header: fuse_in_header, _ reply: consuming RawReply
  ) {
    guard case .volume(let volume)? = Inode(header.nodeid, in: fileSystem.table),
      Int(request.size) <= VolumeFileSystem.mostTransferByteCount,
      Int(header.len) >= Self.writeHeaderByteCount + Int(request.size)
    else { return reply.fail(.invalid) }
    let isPastEnd = request.offset + UInt64(request.size) > volume.byteCount
    let isGathered = request.write_flags & UInt32(FUSE_WRITE_CACHE) != 0
    if isPastEnd, isGathered {
      fileSystem.noteOverrun(
        of: volume, number: header.nodeid, byteCount: Int(request.size))
    }
    do throws(Errno) {
      let bytes = unsafe UnsafeRawBufferPointer(start: payload, count: Int(request.size))
      let byteCount = try unsafe again(renewing: &scratch) { (scratch) throws(Errno) in
        try unsafe volume.write(bytes, at: request.offset, scratch: scratch, on: lane)
      }
      if isPastEnd, isGathered { throw .noSpace }
      reply.wrote(byteCount: byteCount)
    } catch {
      reply.fail(error)
    }
  }

  private static func map(_ byteCount: Int, isPopulated: Bool) -> UnsafeMutableRawPointer {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | (isPopulated ? MAP_POPULATE : 0)
    let made = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, -1, 0)
    guard let made = unsafe made, unsafe made != MAP_FAILED else {
      preconditionFailure("no memory for the buffers of a thread")
    }
    return unsafe made
  }
}
