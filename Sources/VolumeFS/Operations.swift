internal import BlockIO
internal import CFUSE3
internal import DMIO
internal import Glibc
internal import Volumes

/// The requests that libfuse takes apart, by their kernel names. READ and WRITE are not among them:
/// ``Worker`` serves those.
///
/// Every function runs on the worker that read the request, and answers it before it returns.
enum Operations {
  /// How long the kernel keeps names and attributes: nobody but this mount changes them.
  static let validSeconds = 3600.0

  static var table: fuse_lowlevel_ops {
    var table = fuse_lowlevel_ops()
    unsafe table.`init` = { userdata, connection in
      guard let connection = unsafe connection, let userdata = unsafe userdata else { return }
      let fileSystem = unsafe Unmanaged<VolumeFileSystem>.fromOpaque(userdata)
        .takeUnretainedValue()
      unsafe mirrorfs_negotiate(connection, fileSystem.gathersWrites)
      unsafe connection.pointee.max_write = UInt32(VolumeFileSystem.mostTransferByteCount)
      unsafe connection.pointee.max_readahead = UInt32(VolumeFileSystem.mostTransferByteCount)
      unsafe connection.pointee.max_background = 512
      unsafe connection.pointee.congestion_threshold = 384
    }
    unsafe table.lookup = unsafe lookup
    unsafe table.getattr = unsafe getattr
    unsafe table.setattr = unsafe setattr
    unsafe table.readdir = unsafe readdir
    unsafe table.statfs = unsafe statfs
    unsafe table.open = unsafe open
    unsafe table.release = unsafe release
    unsafe table.fsync = unsafe fsync
    unsafe table.fallocate = unsafe fallocate
    unsafe table.lseek = unsafe lseek
    unsafe table.poll = unsafe poll
    unsafe table.getxattr = unsafe getxattr
    unsafe table.listxattr = unsafe listxattr
    unsafe table.setxattr = unsafe setxattr
    unsafe table.removexattr = { request, _, _ in
      unsafe request.map { unsafe Reply($0).fail(.notPermitted) }
    }
    refuseNames(in: &table)
    return table
  }

  /// The set of names is the config's: making, removing and renaming is EPERM (rule F5).
  private static func refuseNames(in table: inout fuse_lowlevel_ops) {
    unsafe table.create = { request, _, _, _, _ in unsafe Operations.refuse(request) }
    unsafe table.mknod = { request, _, _, _, _ in unsafe Operations.refuse(request) }
    unsafe table.mkdir = { request, _, _, _ in unsafe Operations.refuse(request) }
    unsafe table.symlink = { request, _, _, _ in unsafe Operations.refuse(request) }
    unsafe table.link = { request, _, _, _ in unsafe Operations.refuse(request) }
    unsafe table.unlink = { request, _, _ in unsafe Operations.refuse(request) }
    unsafe table.rmdir = { request, _, _ in unsafe Operations.refuse(request) }
    unsafe table.rename = { request, _, _, _, _, _ in unsafe Operations.refuse(request) }
  }

  private static func refuse(_ request: fuse_req_t?) {
    guard let request = unsafe request else { return }
    unsafe Reply(request).fail(.notPermitted)
  }

  /// What a request is about: the mount, the inode if there is such a one, and the answer owed.
  static func serve(
    _ request: fuse_req_t?, _ number: fuse_ino_t,
    _ body: (VolumeFileSystem, Inode, consuming Reply) -> Void
  ) {
    guard let request = unsafe request else { return }
    let reply = unsafe Reply(request)
    guard let userdata = unsafe fuse_req_userdata(request) else { return reply.fail(.ioError) }
    let fileSystem = unsafe Unmanaged<VolumeFileSystem>.fromOpaque(userdata).takeUnretainedValue()
    guard let inode = Inode(number, in: fileSystem.table) else { return reply.fail(.noSuchFile) }
    body(fileSystem, inode, reply)
  }

  /// Like ``serve(_:_:_:)`` for requests that only a volume takes.
  static func serveVolume(
    _ request: fuse_req_t?, _ number: fuse_ino_t,
    _ body: (VolumeFileSystem, Volume, consuming Reply) -> Void
  ) {
    unsafe serve(request, number) { fileSystem, inode, reply in
      guard case .volume(let volume) = inode else {
        if case .directory = inode { return reply.fail(Errno(EISDIR)) }
        return reply.fail(.notPermitted)
      }
      body(fileSystem, volume, reply)
    }
  }

  /// The lane of the worker that this runs on.
  static func lane() throws(Errno) -> IOLane {
    guard let worker = CurrentWorker.worker else { throw .ioError }
    return worker.lane
  }
}
