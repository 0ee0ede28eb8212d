internal import Glibc

/// What tells one disk from another of the same name and size: what the kernel says of its make.
enum DiskMark {
  /// A number made of the disk's name for itself; 0 when it has none.
  ///
  /// Looked for are the world-wide name, the serial number, device-mapper's uuid or name, and the
  /// file behind a loop device; of a partition, its disk's, with its own number.
  static func number(ofBlockDevice number: dev_t) -> UInt64 {
    let major = (number >> 8) & 0xfff | (number >> 32) & ~0xfff
    let minor = number & 0xff | (number >> 12) & ~0xff
    let folder = "/sys/dev/block/\(major):\(minor)"
    if let partition = text(folder + "/partition") {
      guard let disk = name(folder + "/..") else { return 0 }
      return hash(disk + " part " + partition)
    }
    return name(folder).map { hash($0) } ?? 0
  }

  private static func name(_ folder: String) -> String? {
    let places = [
      "wwid", "device/wwid", "serial", "device/serial", "device/cid", "dm/uuid", "dm/name",
      "loop/backing_file",
    ]
    for place in places {
      if let found = text("\(folder)/\(place)") { return "\(place)=\(found)" }
    }
    return nil
  }

  /// The first line of a small file; nil where there is none, or it is empty.
  private static func text(_ path: String) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = unsafe read(descriptor, &bytes, bytes.count)
    guard count > 0 else { return nil }
    let line = bytes[..<count].prefix { $0 != 10 }
    return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
  }

  /// FNV-1a; never 0.
  private static func hash(_ text: String) -> UInt64 {
    var value: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in text.utf8 { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return max(1, value)
  }
}

/// Tells whether what is behind a name now is what was there before (rules M17, M20).
public struct DeviceMark: Sendable {
  /// As ``DeviceFile/identity``.
  let identity: UInt64
  /// As ``DeviceFile/diskMark``; 0 for a file.
  let disk: UInt64

  /// A disk may come back under another number; without a name of its own its number counts.
  public func isSame(as other: DeviceMark) -> Bool {
    disk != 0 && other.disk != 0 ? disk == other.disk : identity == other.identity
  }
}

extension DeviceFile {
  /// What the disk says of itself, as a number; 0 for a file, and for a disk that says nothing.
  public var diskMark: UInt64 {
    guard device.kind == .blockDevice else { return 0 }
    var status = stat()
    guard unsafe fstat(device.descriptor, &status) == 0 else { return 0 }
    return DiskMark.number(ofBlockDevice: status.st_rdev)
  }

  public var mark: DeviceMark { DeviceMark(identity: identity, disk: diskMark) }
}
