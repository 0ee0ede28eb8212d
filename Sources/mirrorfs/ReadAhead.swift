import Glibc

/// How far the kernel reads ahead of who reads a file from its start to its end.
///
/// It does so by 128 KiB for every FUSE file system, whatever that asks for, and has one request
/// under way then: a leg that could serve several side by side waits. Only root may change it.
enum ReadAhead {
  /// Four of the largest requests: on a disk less was slower, and more was not tried.
  private static let kibibyteCount = 4096

  /// Raises it for a mount of ours, if we may; it is never lowered.
  static func raise(at mountPoint: String) {
    guard let device = MountList.device(of: mountPoint) else { return }
    let path = "/sys/class/bdi/\(device)/read_ahead_kb"
    guard let file = unsafe fopen(path, "r+e") else { return }
    defer { unsafe fclose(file) }
    var digits = [CChar](repeating: 0, count: 32)
    guard unsafe fgets(&digits, 32, file) != nil, unsafe strtol(digits, nil, 10) < kibibyteCount
    else { return }
    unsafe rewind(file)
    unsafe fputs("\(kibibyteCount)\n", file)
  }
}
