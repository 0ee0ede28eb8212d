internal import BlockIO
internal import CFUSE3
internal import DMIO
internal import Glibc
internal import Volumes

/// A thread's way to requests by reading /dev/fuse.
struct DeviceLoop {
  let worker: Worker
  let door: SessionDoor
  private let memory = DeviceMemory()
  private var fileSystem: VolumeFileSystem { worker.fileSystem }

  init(worker: Worker, door: SessionDoor) {
    self.worker = worker
    self.door = door
  }

  /// Serves until the mount is gone. The caller has entered the gate.
  func run() {
    let gate = fileSystem.gate
    repeat {
      let room = unsafe memory.message
      let count = unsafe Glibc.read(door.descriptor, room.baseAddress, room.count)
      // ENOENT: the caller was interrupted before we got to its request.
      let error = count < 0 ? Errno.last : nil
      gate.leave()
      if count >= MemoryLayout<fuse_in_header>.size {
        unsafe serve(UnsafeMutableRawBufferPointer(rebasing: room[..<count]))
      } else if ![.interrupted, .wouldBlock, .noSuchFile].contains(error) {
        gate.close()
        return
      }
      // A request that missed a deadline still owns this worker's memory: another takes over.
      if worker.lane.lateCount > 0 {
        fileSystem.addWorker()
        return worker.awaitLate()
      }
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
      worker.read(
        request, header, into: memory,
        DeviceReply(descriptor: door.descriptor, unique: header.unique))
    case FUSE_WRITE.rawValue where body.count >= MemoryLayout<fuse_write_in>.size:
      let request = unsafe body.load(as: fuse_write_in.self)
      let reply = DeviceReply(descriptor: door.descriptor, unique: header.unique)
      guard body.count - MemoryLayout<fuse_write_in>.size >= Int(request.size) else {
        return reply.fail(.invalid)
      }
      worker.write(request, header, from: memory, reply)
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
}
