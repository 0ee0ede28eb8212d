internal import BlockIO
internal import CFUSE3
internal import CLinux
internal import Glibc
internal import Volumes

extension Operations {
  static let getattr:
    @convention(c) (fuse_req_t?, fuse_ino_t, UnsafeMutablePointer<fuse_file_info>?) -> Void = {
      request, number, information in
      unsafe serve(request, number) { fileSystem, inode, reply in
        if fileSystem.gathersWrites, case .volume(let volume) = inode {
          // Asked with a handle by a write (and by a seek or read at the end), without by stat(2).
          let handle = unsafe information.map { unsafe HandleKind(rawValue: $0.pointee.fh) }
          if handle?.contains(.writable) == true, volume.takeOverrun() {
            return reply.fail(.noSpace)
          }
          let caller = unsafe request.flatMap { unsafe fuse_req_ctx($0)?.pointee.pid } ?? 0
          fileSystem.waitForSize(number: number, caller: caller)
        }
        reply.attributes(
          inode.attributes(number: number, in: fileSystem),
          validSeconds: fileSystem.validSeconds(of: inode, number: number))
      }
    }

  static let setattr:
    @convention(c) (
      fuse_req_t?, fuse_ino_t, UnsafeMutablePointer<stat>?, CInt,
      UnsafeMutablePointer<fuse_file_info>?
    ) -> Void = { request, number, wanted, bits, _ in
      unsafe serveVolume(request, number) { fileSystem, volume, reply in
        guard let change = unsafe wanted?.pointee else { return reply.fail(.invalid) }
        do throws(Errno) {
          try checkOwnership(of: volume, against: change, bits)
          if bits & mirrorfs_set_size != 0 {
            try volume.truncate(to: UInt64(change.st_size), on: lane())
          }
          setTimes(of: volume, to: change, bits)
        } catch {
          return reply.fail(error)
        }
        let attributes = Inode.volume(volume).attributes(number: number, in: fileSystem)
        guard bits & mirrorfs_set_size != 0, volume.truncatePolicy == .zero else {
          return reply.attributes(
            attributes,
            validSeconds: fileSystem.validSeconds(of: .volume(volume), number: number))
        }
        fileSystem.answerTruncation(
          of: volume, to: UInt64(change.st_size), attributes, reply)
      }
    }

  /// Owner, group and mode are the config's; setting them to what they are is no change (rule F7).
  private static func checkOwnership(
    of volume: Volume, against wanted: stat, _ bits: CInt
  ) throws(Errno) {
    let access = volume.access
    let isSame =
      (bits & mirrorfs_set_mode == 0 || wanted.st_mode & 0o7777 == access.mode)
      && (bits & mirrorfs_set_uid == 0 || wanted.st_uid == access.owner)
      && (bits & mirrorfs_set_gid == 0 || wanted.st_gid == access.group)
    if !isSame { throw .notPermitted }
  }

  private static func setTimes(of volume: Volume, to wanted: stat, _ bits: CInt) {
    if bits & mirrorfs_set_mtime_now != 0 {
      volume.setModificationTime(nil)
    } else if bits & mirrorfs_set_mtime != 0 {
      volume.setModificationTime(wanted.st_mtim.nanoseconds)
    }
    if bits & mirrorfs_set_atime_now != 0 {
      volume.setAccessTime(nil)
    } else if bits & mirrorfs_set_atime != 0 {
      volume.setAccessTime(wanted.st_atim.nanoseconds)
    }
  }
}
