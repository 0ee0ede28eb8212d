internal import BlockIO
internal import CFUSE3
internal import FuseRing
internal import Glibc
internal import Volumes

/// Memory that READ and WRITE move a volume's bytes through.
protocol TransferMemoryOwner: AnyObject {
  /// Page aligned, and long enough for the largest request and its ragged edges.
  var payload: UnsafeMutableRawPointer { get }

  /// Whether requests go on coming into this memory while a leg that is late still uses it, unless
  /// it is renewed.
  var isUsedAgain: Bool { get }

  /// Puts fresh memory in its place, and returns what frees the old.
  func renew() -> () -> Void
}

enum WorkerMemory {
  static let pageByteCount = 4096
  /// A page for headers, then what a request or its answer carries.
  static let byteCount =
    pageByteCount + Volume.paddedByteCount(VolumeFileSystem.mostTransferByteCount)

  static func map(_ byteCount: Int, isPopulated: Bool) -> UnsafeMutableRawPointer {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | (isPopulated ? MAP_POPULATE : 0)
    let made = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, -1, 0)
    guard let made = unsafe made, unsafe made != MAP_FAILED else {
      preconditionFailure("no memory for the buffers of a thread")
    }
    return unsafe made
  }
}

/// What is read from and written to /dev/fuse: headers, and behind them, on a page, the data.
@safe final class DeviceMemory: TransferMemoryOwner {
  // Safe: mapped from init to deinit, and only lent to the owner's calls, one after the other.

  /// The headers of a WRITE: with them in front, its payload starts on a page, and goes to direct
  /// legs as it lies.
  static let writeHeaderByteCount =
    MemoryLayout<fuse_in_header>.size + MemoryLayout<fuse_write_in>.size

  @exclusivity(unchecked) private var start =
    unsafe WorkerMemory.map(WorkerMemory.byteCount, isPopulated: true)

  deinit { unsafe munmap(start, WorkerMemory.byteCount) }

  var payload: UnsafeMutableRawPointer { unsafe start + WorkerMemory.pageByteCount }
  /// The loop ends when a leg is late, and another takes its place.
  var isUsedAgain: Bool { false }

  /// Where a message is read into.
  var message: UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(
      start: payload - Self.writeHeaderByteCount,
      count: WorkerMemory.byteCount - WorkerMemory.pageByteCount + Self.writeHeaderByteCount)
  }

  func renew() -> () -> Void {
    let spoilt = unsafe start
    unsafe start = unsafe WorkerMemory.map(WorkerMemory.byteCount, isPopulated: false)
    return { unsafe munmap(spoilt, WorkerMemory.byteCount) }
  }
}

extension RingSeat: TransferMemoryOwner {
  var isUsedAgain: Bool { true }
  func renew() -> () -> Void { renewPayload() }
}
