internal import Glibc

/// What sysfs tells about a block device.
struct SysfsBlock {
  /// "MAJOR:MINOR".
  let deviceNumber: String

  init(_ deviceNumber: String) {
    self.deviceNumber = deviceNumber
  }

  var isReadOnly: Bool { line("ro") == "1" }

  /// The whole device and this partition's first sector; nil when it is no partition.
  var partition: (parent: String, firstSector: UInt64)? {
    guard line("partition") != nil, let start = line("start").flatMap(UInt64.init),
      let folder = RealPath.of("/sys/dev/block/\(deviceNumber)"),
      let parent = Self.line(of: RealPath.parent(of: folder) + "/dev")
    else { return nil }
    return (parent, start)
  }

  /// The path of the file behind a loop device, as the kernel shows it; nil for other devices.
  var loopBackingPath: String? { line("loop/backing_file") }
  var loopByteOffset: UInt64 { line("loop/offset").flatMap(UInt64.init) ?? 0 }

  /// Its name in device-mapper; nil for other devices.
  var mapperName: String? { line("dm/name") }

  /// The device's node below /dev; nil when it is not there under its own name.
  var node: String? {
    let uevent = Self.text(of: "/sys/dev/block/\(deviceNumber)/uevent") ?? ""
    let key = "DEVNAME="
    guard let name = uevent.split(separator: "\n").first(where: { $0.hasPrefix(key) }) else {
      return nil
    }
    let path = "/dev/" + name.dropFirst(key.count)
    return FileStatus(path)?.deviceNumber == deviceNumber ? path : nil
  }

  private func line(_ attribute: String) -> String? {
    Self.line(of: "/sys/dev/block/\(deviceNumber)/\(attribute)")
  }

  private static func line(of path: String) -> String? {
    guard let text = text(of: path) else { return nil }
    return text.hasSuffix("\n") ? String(text.dropLast()) : text
  }

  /// The text of an attribute, which is one page at most.
  private static func text(of path: String) -> String? {
    guard let file = unsafe fopen(path, "re") else { return nil }
    defer { unsafe fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let got = unsafe fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<got], as: UTF8.self)
  }
}
