internal import CFUSE3
internal import Glibc
internal import Volumes

/// What an inode number of the mount stands for: 1 is the directory, volume n is n + 2, and from
/// ``HiddenNode/firstNumber`` on comes the hidden directory.
enum Inode {
  case directory
  case volume(Volume)
  case hidden(HiddenNode)

  static let firstVolumeNumber: UInt64 = 2

  /// Nil for a number that was never given out.
  init?(_ number: fuse_ino_t, in table: VolumeTable) {
    if number == mirrorfs_root {
      self = .directory
      return
    }
    guard number >= Self.firstVolumeNumber,
      let place = Int(exactly: number - Self.firstVolumeNumber), let volume = table[place]
    else {
      guard let node = HiddenNode(number: number, in: table) else { return nil }
      self = .hidden(node)
      return
    }
    self = .volume(volume)
  }

  static func number(ofVolume index: Int) -> UInt64 { firstVolumeNumber + UInt64(index) }

  /// How long the kernel may keep the attributes.
  var validSeconds: Double {
    if case .hidden(let node) = self { return node.validSeconds }
    return Operations.validSeconds
  }

  /// The attributes that stat(2) shows.
  func attributes(number: fuse_ino_t, in fileSystem: VolumeFileSystem) -> stat {
    var attributes = stat()
    attributes.st_ino = ino_t(number)
    switch self {
    case .directory:
      attributes.setFolder(of: fileSystem.owner)
    case .hidden(let node):
      node.describe(in: &attributes, fileSystem)
    case .volume(let volume):
      attributes.st_mode = S_IFREG | volume.access.mode
      attributes.st_nlink = 1
      attributes.st_uid = volume.access.owner
      attributes.st_gid = volume.access.group
      attributes.st_size = off_t(volume.byteCount)
      attributes.st_blocks = blkcnt_t(volume.byteCount / 512)
      attributes.st_blksize = blksize_t(VolumeFileSystem.mostTransferByteCount)
      attributes.st_atim = timespec(nanoseconds: volume.accessTime)
      attributes.st_mtim = timespec(nanoseconds: volume.modificationTime)
      attributes.st_ctim = attributes.st_mtim
    }
    return attributes
  }
}

extension stat {
  /// A folder of the mount.
  mutating func setFolder(of owner: MountOwner) {
    st_mode = S_IFDIR | owner.folderMode
    st_nlink = 2
    st_uid = owner.user
    st_gid = owner.group
    st_mtim = owner.mountTime
    st_ctim = owner.mountTime
    st_atim = owner.mountTime
  }
}

/// Who mounted: the directory's owner.
struct MountOwner: Sendable {
  /// Permissions of the mount's directory.
  let folderMode: mode_t
  let user = getuid()
  let group = getgid()
  let mountTime = timespec(tv_sec: time(nil), tv_nsec: 0)
}

extension timespec {
  init(nanoseconds: Int64) {
    self.init(
      tv_sec: time_t(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
  }

  var nanoseconds: Int64 { Int64(tv_sec) * 1_000_000_000 + Int64(tv_nsec) }
}
