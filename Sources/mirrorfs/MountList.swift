import Glibc

/// The mirrorfs mounts of this machine, and their volumes.
enum MountList {
  /// Where a mirrorfs is mounted, from the kernel's list.
  static func mountPoints() -> [String] { all().map(\.mountPoint) }

  /// The number of the file system that is mounted there, as `0:42`; nil where none of ours is.
  static func device(of mountPoint: String) -> String? {
    all().last { $0.mountPoint == mountPoint }?.device
  }

  private static func all() -> [(mountPoint: String, device: String)] {
    guard let list = unsafe fopen("/proc/self/mountinfo", "re") else { return [] }
    defer { unsafe fclose(list) }
    var found: [(mountPoint: String, device: String)] = []
    var line: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { unsafe free(line) }
    while unsafe getline(&line, &capacity, list) > 0 {
      guard let text = unsafe line.map({ unsafe String(cString: $0) }) else { continue }
      // Number, parent, device, root, mount point, options, any number of marks, "-", type, ...
      let words = text.split(separator: " ")
      guard let dash = words.dropFirst(6).firstIndex(of: "-"), dash + 1 < words.count,
        words[dash + 1] == "fuse.mirrorfs"
      else { continue }
      found.append((plain(String(words[4])), String(words[2])))
    }
    return found
  }

  /// The volumes that a path stands for, by name; nil when it is nothing of ours.
  static func volumes(of path: String) -> [String]? {
    if MountPoint.attribute("legs", of: path) != nil { return [path] }
    guard MountPoint.volumeState(path) != nil, let folder = unsafe opendir(path) else {
      return nil
    }
    defer { unsafe closedir(folder) }
    var names: [String] = []
    while let entry = unsafe readdir(folder) {
      let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    let base = path.hasSuffix("/") ? path : path + "/"
    return names.sorted().map { base + $0 }
  }

  /// Volumes of any mount with that file name.
  static func volumes(named name: String) -> [String] {
    mountPoints().flatMap { volumes(of: $0) ?? [] }.filter {
      $0.split(separator: "/").last.map(String.init) == name
    }
  }

  /// The kernel writes spaces and the like as `\040`.
  private static func plain(_ text: String) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3)
      if byte == UInt8(ascii: "\\"), digits.count == 3,
        let number = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
      {
        bytes.append(number)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
