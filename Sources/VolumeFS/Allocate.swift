internal import BlockIO
internal import CFUSE3
internal import CLinux
internal import DMIO
internal import Glibc
internal import Volumes

extension Operations {
  /// fallocate(2), as on ext4 but for the fixed size (rule F5).
  static let fallocate:
    @convention(c) (
      fuse_req_t?, fuse_ino_t, CInt, off_t, off_t, UnsafeMutablePointer<fuse_file_info>?
    ) -> Void = { request, number, mode, offset, length, _ in
      unsafe serveVolume(request, number) { fileSystem, volume, reply in
        guard offset >= 0, length > 0 else { return reply.fail(.invalid) }
        do throws(Errno) {
          let (end, isOver) = UInt64(offset).addingReportingOverflow(UInt64(length))
          guard !isOver else { throw .fileTooBig }
          try volume.allocate(AllocateMode(mode), UInt64(offset)..<end, on: lane())
        } catch {
          return reply.fail(error)
        }
        reply.succeed()
      }
    }

  /// lseek(2) for SEEK_DATA and SEEK_HOLE; the kernel does the others.
  static let lseek:
    @convention(c) (
      fuse_req_t?, fuse_ino_t, off_t, CInt, UnsafeMutablePointer<fuse_file_info>?
    ) -> Void = { request, number, offset, whence, _ in
      unsafe serve(request, number) { fileSystem, inode, reply in
        guard offset >= 0 else { return reply.fail(.noSuchAddress) }
        guard case .volume(let volume) = inode else {
          // One piece without holes.
          let end = inode.attributes(number: number, in: fileSystem).st_size
          guard offset < end else { return reply.fail(.noSuchAddress) }
          return reply.offset(UInt64(whence == linux_SEEK_HOLE ? end : offset))
        }
        do throws(Errno) {
          let found: UInt64
          try lane().willWait?()
          switch whence {
          case linux_SEEK_DATA: found = try volume.seek(toHole: false, from: UInt64(offset))
          case linux_SEEK_HOLE: found = try volume.seek(toHole: true, from: UInt64(offset))
          default: throw .invalid
          }
          reply.offset(found)
        } catch {
          reply.fail(error)
        }
      }
    }
}

extension AllocateMode {
  /// - Throws: EOPNOTSUPP for modes that move data (collapse, insert) or that we do not know.
  init(_ mode: CInt) throws(Errno) {
    let keepsSize = mode & linux_FALLOC_KEEP_SIZE != 0
    switch mode & ~linux_FALLOC_KEEP_SIZE {
    case 0: self = .reserve(keepsSize: keepsSize)
    case linux_FALLOC_ZERO_RANGE: self = .zero(keepsSize: keepsSize)
    case linux_FALLOC_PUNCH_HOLE where keepsSize: self = .punchHole
    default: throw .notSupported
    }
  }
}
