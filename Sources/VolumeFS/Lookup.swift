internal import BlockIO
internal import CFUSE3
internal import Glibc
internal import Volumes

extension Operations {
  static let lookup: @convention(c) (fuse_req_t?, fuse_ino_t, UnsafePointer<CChar>?) -> Void = {
    request, parent, name in
    unsafe serve(request, parent) { fileSystem, inode, reply in
      guard case .directory = inode else { return reply.fail(Errno(ENOTDIR)) }
      guard let name = unsafe name,
        let (index, volume) = unsafe fileSystem.volume(named: String(cString: name))
      else { return reply.fail(.noSuchFile) }
      let number = Inode.number(ofVolume: index)
      let attributes = Inode.volume(volume)
        .attributes(number: number, mountedBy: fileSystem.owner)
      reply.entry(attributes, validSeconds: validSeconds)
    }
  }

  /// Lists `.`, `..` and the volumes. An entry's offset is its place in that list, plus one.
  static let readdir:
    @convention(c) (
      fuse_req_t?, fuse_ino_t, Int, off_t, UnsafeMutablePointer<fuse_file_info>?
    ) -> Void = { request, number, byteCount, offset, _ in
      unsafe serve(request, number) { fileSystem, inode, reply in
        guard case .directory = inode else { return reply.fail(Errno(ENOTDIR)) }
        let table = fileSystem.table
        let block = UnsafeMutableRawBufferPointer.allocate(
          byteCount: byteCount, alignment: 8)
        defer { unsafe block.deallocate() }
        var filled = 0
        for place in max(0, Int(offset))..<max(Int(offset), table.placeCount + 2) {
          var attributes = stat()
          let name: String
          if place < 2 {
            name = place == 0 ? "." : ".."
            attributes.st_ino = ino_t(mirrorfs_root)
            attributes.st_mode = S_IFDIR
          } else {
            guard let volume = table[place - 2] else { continue }
            name = volume.name
            attributes.st_ino = ino_t(Inode.number(ofVolume: place - 2))
            attributes.st_mode = S_IFREG
          }
          let left = byteCount - filled
          let needed = unsafe fuse_add_direntry(
            request,
            block.baseAddress?.advanced(by: filled)
              .assumingMemoryBound(to: CChar.self), left, name, &attributes, off_t(place + 1))
          if needed > left { break }
          filled += needed
        }
        unsafe reply.bytes(UnsafeRawBufferPointer(start: block.baseAddress, count: filled))
      }
    }

  /// What df shows: all volumes together, with nothing free, because nothing can be added.
  static let statfs: @convention(c) (fuse_req_t?, fuse_ino_t) -> Void = { request, number in
    unsafe serve(request, number) { fileSystem, _, reply in
      var statistics = statvfs()
      statistics.f_bsize = 4096
      statistics.f_frsize = 512
      statistics.f_blocks = fsblkcnt_t(fileSystem.table.byteCount / 512)
      statistics.f_files = fsfilcnt_t(fileSystem.table.volumes.count)
      statistics.f_namemax = 255
      reply.statistics(statistics)
    }
  }
}
