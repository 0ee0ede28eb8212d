internal import BlockIO
internal import CLinux
internal import Glibc

/// Memory that can be seen at two places: where the kernel was told that it lies, once and for all,
/// and where legs are read into and written from.
///
/// A leg that is late still uses its memory after the request is answered, and the kernel puts the
/// next request where it put the last. So ``renew()`` puts fresh memory behind the kernel's place;
/// what the leg uses stays where the leg sees it. One thread at a time.
@safe final class TwinMemory {
  // Safe: both places are mapped from init to deinit, and only lent to the owner.
  let byteCount: Int
  /// The kernel's place; it never changes.
  let kernelSide: UnsafeMutableRawPointer
  /// The same bytes, as legs see them.
  private(set) var legSide: UnsafeMutableRawPointer

  /// - Throws: the errno of the kernel that has no memory, or no descriptor.
  init(byteCount: Int) throws(Errno) {
    self.byteCount = byteCount
    let file = try Self.makeFile(byteCount)
    defer { close(file) }
    unsafe kernelSide = try unsafe Self.map(file, byteCount, at: nil)
    unsafe legSide = try unsafe Self.map(file, byteCount, at: nil)
  }

  deinit {
    unsafe munmap(kernelSide, byteCount)
    unsafe munmap(legSide, byteCount)
  }

  /// Puts fresh memory behind the kernel's place.
  ///
  /// Returns what frees the old: to be called once, when no leg uses it any more.
  func renew() -> () -> Void {
    let (spoilt, byteCount) = unsafe (legSide, self.byteCount)
    do throws(Errno) {
      let file = try Self.makeFile(byteCount)
      defer { close(file) }
      _ = try unsafe Self.map(file, byteCount, at: kernelSide)
      unsafe legSide = try unsafe Self.map(file, byteCount, at: nil)
    } catch {
      preconditionFailure("no memory for the buffers of a thread: \(error)")
    }
    return { unsafe munmap(spoilt, byteCount) }
  }

  private static func makeFile(_ byteCount: Int) throws(Errno) -> CInt {
    let file = linux_memory_file(byteCount)
    guard file >= 0 else { throw Errno.last }
    return file
  }

  /// - Parameter place: where to; what lies there goes. Nil: anywhere.
  private static func map(
    _ file: CInt, _ byteCount: Int, at place: UnsafeMutableRawPointer?
  ) throws(Errno) -> UnsafeMutableRawPointer {
    let flags = MAP_SHARED | (unsafe place == nil ? 0 : MAP_FIXED)
    let made = unsafe mmap(place, byteCount, PROT_READ | PROT_WRITE, flags, file, 0)
    guard let made = unsafe made, unsafe made != MAP_FAILED else { throw Errno.last }
    return unsafe made
  }
}
