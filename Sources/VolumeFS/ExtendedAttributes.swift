internal import BlockIO
internal import CFUSE3
internal import CLinux
internal import Glibc
internal import Volumes

extension Operations {
  static let getxattr:
    @convention(c) (fuse_req_t?, fuse_ino_t, UnsafePointer<CChar>?, Int) -> Void = {
      request, number, name, capacity in
      unsafe serve(request, number) { fileSystem, inode, reply in
        guard let name = unsafe name.map({ unsafe String(cString: $0) }) else {
          return reply.fail(.invalid)
        }
        let value: String?
        switch inode {
        case .directory: value = fileSystem.table.attribute(name, processID: getpid())
        case .volume(let volume): value = volume.attribute(name)
        case .hidden: value = nil
        }
        guard let value else { return reply.fail(.noData) }
        reply.attributeValue(Array(value.utf8), capacity: capacity)
      }
    }

  static let listxattr: @convention(c) (fuse_req_t?, fuse_ino_t, Int) -> Void = {
    request, number, capacity in
    unsafe serve(request, number) { _, inode, reply in
      let names: [String]
      switch inode {
      case .directory: names = VolumeTable.attributeNames
      case .volume(let volume): names = volume.attributeNames
      case .hidden: names = []
      }
      reply.attributeValue(names.flatMap { Array($0.utf8) + [0] }, capacity: capacity)
    }
  }

  static let setxattr:
    @convention(c) (
      fuse_req_t?, fuse_ino_t, UnsafePointer<CChar>?, UnsafePointer<CChar>?, Int, CInt
    ) -> Void = { request, number, name, value, byteCount, _ in
      unsafe serve(request, number) { _, inode, reply in
        guard case .volume(let volume) = inode, let name = unsafe name else {
          return reply.fail(.notPermitted)
        }
        let bytes = unsafe UnsafeRawBufferPointer(start: value, count: byteCount)
        do throws(Errno) {
          try volume.setAttribute(
            unsafe String(cString: name), to: unsafe String(decoding: bytes, as: UTF8.self),
            on: lane())
        } catch {
          return reply.fail(error)
        }
        reply.succeed()
      }
    }
}
