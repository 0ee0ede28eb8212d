internal import CLinux
internal import Glibc

/// Whole pages of memory, all of them there from the start, so that no transfer waits for a page
/// fault; unmapped when the last reference goes.
///
/// In huge pages of 2 MiB where the system grants them: the processor and the kernel then have a
/// 512th of the pages to look up.
@safe public final class PageMapping: @unchecked Sendable {
  // Sendable: the address does not change; what the bytes hold is their users' business.
  /// Most wasted by rounding up to huge pages: as much again as was asked for.
  private static let hugePageByteCount = 2 << 20

  /// Page aligned; at least as long as was asked for. Valid as long as the mapping lives.
  public let bytes: UnsafeMutableRawBufferPointer

  /// - Throws: ENOMEM when the system has not so much memory.
  public init(byteCount: Int) throws(Errno) {
    let isHuge = byteCount >= Self.hugePageByteCount
    let unit = isHuge ? Self.hugePageByteCount : 4096
    let whole = (max(byteCount, 1) + unit - 1) / unit * unit
    guard let base = unsafe linux_map_pages(whole, isHuge) else { throw Errno.last }
    unsafe bytes = UnsafeMutableRawBufferPointer(start: base, count: whole)
  }

  deinit { unsafe munmap(bytes.baseAddress, bytes.count) }
}
