internal import CLinux
internal import Glibc

/// Transfers by ordinary system calls, on the calling thread.
///
/// The whole of backend `threads`, and in backend `uring` the way to devices that answer at memory
/// speed, where a ring costs more than it gains.
@safe public enum SystemCalls {
  /// Carries the transfer out to its end; waits as long as the device does.
  public static func perform(_ progress: TransferProgress) -> TransferResult {
    let descriptor = progress.transfer.device.descriptor
    while true {
      let returned = call(progress.nextStep(), descriptor: descriptor)
      if let result = progress.finishStep(returned < 0 ? -Int(errno) : returned) {
        return result
      }
    }
  }

  /// Carries a transfer out to its end; usually with one call, and then without the progress.
  public static func perform(_ transfer: Transfer, _ progress: TransferProgress) -> TransferResult {
    guard let step = progress.simpleStep(of: transfer) else {
      progress.begin(transfer)
      return perform(progress)
    }
    let moved = call(step, descriptor: transfer.device.descriptor)
    if moved == transfer.byteCount {
      return TransferResult(tag: transfer.tag, errorNumber: 0, byteCount: moved)
    }
    let returned = moved < 0 ? -Int(errno) : moved
    progress.begin(transfer)
    _ = progress.nextStep()
    return progress.finishStep(returned) ?? perform(progress)
  }

  private static func call(_ step: TransferStep, descriptor: CInt) -> Int {
    switch step {
    case .read(let address, let byteCount, let offset):
      unsafe pread(descriptor, address, byteCount, off_t(offset))
    case .write(let address, let byteCount, let offset):
      unsafe pwrite(descriptor, address, byteCount, off_t(offset))
    case .readVectors(let vectors, let count, let offset):
      unsafe preadv(descriptor, vectors, CInt(count), off_t(offset))
    case .writeVectors(let vectors, let count, let offset, let isDurable):
      isDurable
        ? unsafe linux_pwritev_dsync(descriptor, vectors, CInt(count), off_t(offset))
        : unsafe pwritev(descriptor, vectors, CInt(count), off_t(offset))
    case .flush:
      Int(fdatasync(descriptor))
    case .allocate(let mode, let offset, let byteCount):
      Int(linux_fallocate(descriptor, mode, off_t(offset), off_t(byteCount)))
    case .discardBlocks(let offset, let byteCount):
      Int(linux_block_discard(descriptor, offset, UInt64(byteCount)))
    }
  }
}
