internal import BlockIO
internal import CFUSE3
internal import CLinux
internal import Glibc
internal import Volumes

extension Operations {
  static let open:
    @convention(c) (fuse_req_t?, fuse_ino_t, UnsafeMutablePointer<fuse_file_info>?) -> Void = {
      request, number, information in
      unsafe serve(request, number) { fileSystem, inode, reply in
        let flags = unsafe information?.pointee.flags ?? O_RDONLY
        if case .hidden(let node) = inode {
          return openHidden(node, flags: flags, fileSystem, reply)
        }
        guard case .volume(let volume) = inode else { return reply.fail(Errno(EISDIR)) }
        if volume.isReadOnly, flags & O_ACCMODE != O_RDONLY { return reply.fail(.readOnly) }
        let wantsDirect =
          flags & linux_O_DIRECT != 0 && fileSystem.negotiation.allowsDirectMapping
        guard
          let kind = volume.openHandle(
            wantsDirect: wantsDirect, isWritable: flags & O_ACCMODE != O_RDONLY,
            isMappable: flags & O_ACCMODE == O_RDWR)
        else { return reply.fail(.noSuchFile) }
        let direct = kind.contains(.uncached) ? mirrorfs_open_direct : 0
        if !reply.opened(handle: kind.rawValue, flags: mirrorfs_open_flags | direct) {
          volume.closeHandle(kind)
        }
      }
    }

  /// The last use of a handle is over, mappings included.
  static let release:
    @convention(c) (fuse_req_t?, fuse_ino_t, UnsafeMutablePointer<fuse_file_info>?) -> Void = {
      request, number, information in
      unsafe serve(request, number) { fileSystem, inode, reply in
        let handle = unsafe information?.pointee.fh ?? 0
        guard case .volume(let volume) = inode else {
          fileSystem.documents.close(handle)
          return reply.succeed()
        }
        volume.closeHandle(HandleKind(rawValue: handle))
        reply.succeed()
      }
    }

  /// fsync and fdatasync are the same: the only data beside the contents are times (rule M8).
  static let fsync:
    @convention(c) (
      fuse_req_t?, fuse_ino_t, CInt, UnsafeMutablePointer<fuse_file_info>?
    ) -> Void = { request, number, _, _ in
      unsafe serve(request, number) { _, inode, reply in
        // There is nothing to flush of what nobody can write.
        guard case .volume(let volume) = inode else { return reply.succeed() }
        do throws(Errno) {
          try volume.flush(on: lane())
        } catch {
          return reply.fail(error)
        }
        reply.succeed()
      }
    }
}
