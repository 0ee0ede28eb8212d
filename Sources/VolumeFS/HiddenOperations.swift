internal import BlockIO
internal import CFUSE3
internal import CLinux
internal import Glibc
internal import Volumes

extension Operations {
  /// What of poll(2) is always true of a file.
  private static let ready = UInt32(POLLIN | POLLRDNORM)

  /// Documents and legs are read past the page cache: nobody would tell the kernel that they have
  /// changed.
  static func openHidden(
    _ node: HiddenNode, flags: CInt, _ fileSystem: VolumeFileSystem, _ reply: consuming Reply
  ) {
    if flags & O_ACCMODE != O_RDONLY { return reply.fail(.readOnly) }
    var handle: UInt64 = 0
    if case .document = node { handle = fileSystem.documents.open() }
    if !reply.opened(handle: handle, flags: mirrorfs_open_flags | mirrorfs_open_direct) {
      fileSystem.documents.close(handle)
    }
  }

  /// A volume is always ready; `status.json` has POLLPRI when something has changed since it was
  /// read, as the kernel's files in /proc and /sys do.
  static let poll:
    @convention(c) (
      fuse_req_t?, fuse_ino_t, UnsafeMutablePointer<fuse_file_info>?, OpaquePointer?
    ) -> Void = { request, number, information, pollHandle in
      let waiter = unsafe pollHandle.map { unsafe PollWaiter($0) }
      unsafe serve(request, number) { fileSystem, inode, reply in
        guard case .hidden(let node) = inode else {
          return reply.polled(ready | UInt32(POLLOUT | POLLWRNORM))
        }
        guard case .document = node, let handle = unsafe information?.pointee.fh else {
          return reply.polled(ready)
        }
        let hasNews = fileSystem.documents.hasNews(handle, orWake: waiter)
        reply.polled(ready | (hasNews ? UInt32(POLLPRI) : 0))
      }
    }
}

extension Worker {
  /// A READ of something in the hidden directory.
  func readHidden<Answer: TransferReply & ~Copyable>(
    _ request: fuse_read_in, _ node: HiddenNode, into memory: some TransferMemoryOwner,
    _ reply: consuming Answer
  ) {
    switch node {
    case .directory, .legs: reply.fail(Errno(EISDIR))
    case .document(let document):
      let bytes = fileSystem.documents.read(
        request.fh, at: request.offset, byteCount: Int(request.size)
      ) { document.text(of: fileSystem.table) }
      let data = unsafe UnsafeMutableRawBufferPointer(start: memory.payload, count: bytes.count)
      unsafe data.copyBytes(from: bytes)
      unsafe reply.read(UnsafeRawBufferPointer(data), in: memory.payload)
    case .leg(let volume, let index):
      unsafe answer(reply, from: memory) { (buffer) throws(Errno) in
        try unsafe volume.readLeg(
          index, at: request.offset, byteCount: Int(request.size), into: buffer, on: lane)
      }
    }
  }
}
