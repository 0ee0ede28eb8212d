internal import BlockIO
internal import CFUSE3
internal import Glibc
internal import Volumes

extension Operations {
  static let lookup: @convention(c) (fuse_req_t?, fuse_ino_t, UnsafePointer<CChar>?) -> Void = {
    request, parent, name in
    unsafe serve(request, parent) { fileSystem, folder, reply in
      guard let name = unsafe name.map({ unsafe String(cString: $0) }) else {
        return reply.fail(.invalid)
      }
      let table = fileSystem.table
      let number: UInt64?
      switch folder {
      case .directory where name == HiddenNode.name: number = HiddenNode.firstNumber
      case .directory: number = table.number(of: name).map { Inode.number(ofVolume: $0) }
      case .hidden(let node) where node.entries(in: table) != nil:
        number = node.number(of: name, in: table)
      case .volume, .hidden: return reply.fail(Errno(ENOTDIR))
      }
      guard let number, let inode = Inode(number, in: table) else {
        return reply.fail(.noSuchFile)
      }
      reply.entry(
        inode.attributes(number: number, in: fileSystem), validSeconds: inode.validSeconds)
    }
  }

  /// Lists `.`, `..` and the volumes, or what is in the hidden directory. An entry's offset is its
  /// place in that list, plus one.
  static let readdir:
    @convention(c) (
      fuse_req_t?, fuse_ino_t, Int, off_t, UnsafeMutablePointer<fuse_file_info>?
    ) -> Void = { request, number, byteCount, offset, _ in
      unsafe serve(request, number) { fileSystem, inode, reply in
        guard let entries = entries(of: inode, number, fileSystem.table) else {
          return reply.fail(Errno(ENOTDIR))
        }
        let block = UnsafeMutableRawBufferPointer.allocate(
          byteCount: byteCount, alignment: 8)
        defer { unsafe block.deallocate() }
        var filled = 0
        for (place, entry) in entries.enumerated().dropFirst(max(0, Int(offset))) {
          guard let entry else { continue }
          var attributes = stat()
          attributes.st_ino = ino_t(entry.number)
          attributes.st_mode = entry.mode
          let left = byteCount - filled
          let needed = unsafe fuse_add_direntry(
            request,
            block.baseAddress?.advanced(by: filled)
              .assumingMemoryBound(to: CChar.self), left, entry.name, &attributes,
            off_t(place + 1))
          if needed > left { break }
          filled += needed
        }
        unsafe reply.bytes(UnsafeRawBufferPointer(start: block.baseAddress, count: filled))
      }
    }

  /// What a directory lists, by place; nil in the place of a volume that was removed. Nil for a
  /// file.
  private static func entries(
    of inode: Inode, _ number: fuse_ino_t, _ table: VolumeTable
  ) -> [DirectoryEntry?]? {
    let found: [DirectoryEntry?]
    switch inode {
    case .directory:
      found = (0..<table.placeCount).map { place in
        table[place].map { volume in
          DirectoryEntry(
            name: volume.name, number: Inode.number(ofVolume: place), mode: S_IFREG)
        }
      }
    case .hidden(let node):
      guard let entries = node.entries(in: table) else { return nil }
      found = entries
    case .volume: return nil
    }
    return [
      DirectoryEntry(name: ".", number: number, mode: S_IFDIR),
      DirectoryEntry(name: "..", number: mirrorfs_root, mode: S_IFDIR),
    ] + found
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
