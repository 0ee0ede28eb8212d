internal import BlockIO
internal import CLinux
internal import Glibc

/// What stands at a leg's path now. Nothing is written, and no device is opened for writing.
struct LegSurvey {
  let ground: StorageGround
  /// Nil for a file that is to be made at the first mount.
  let byteCount: UInt64?
  /// Bytes; 1 for a file, which has no such limit.
  let logicalBlock: UInt32

  /// Looks at the leg; nil when it cannot be one, which has then been reported.
  static func of(_ leg: LegDraft, readOnly: Bool, log: ProblemLog) -> LegSurvey? {
    guard case .given(let path, let mark) = leg.path else { return nil }
    guard let status = FileStatus(path) else {
      return missing(path, mark, errno, leg, log)
    }
    let survey: LegSurvey?
    switch status.kind {
    case .regular:
      survey = file(path, mark, status, leg, log)
    case .blockDevice:
      survey = blockDevice(path, mark, status, readOnly: readOnly, log)
    default:
      log.report(
        mark,
        "\(Quoted(path)) is \(status.kind.inWords); a leg must be a regular file or a block device")
      return nil
    }
    guard isAllowed(path, mark, readOnly: readOnly, log) else { return nil }
    return survey
  }

  private static func file(
    _ path: String, _ mark: SourceMark, _ status: FileStatus, _ leg: LegDraft, _ log: ProblemLog
  ) -> LegSurvey? {
    let isToBeMade = status.byteCount == 0 && leg.create.value(or: false)
    let ground = StorageGround(
      base: .file(device: status.device, inode: status.inode), paths: [realPath(path)])
    if isToBeMade { return LegSurvey(ground: ground, byteCount: nil, logicalBlock: 1) }
    guard status.byteCount >= UInt64(sectorByteCount) else {
      log.report(
        mark,
        "\(Quoted(path)) holds \(status.byteCount) bytes, less than one sector of 512; name a "
          + "larger file, or write 'create: true' for an empty one")
      return nil
    }
    return LegSurvey(ground: ground, byteCount: status.byteCount, logicalBlock: 1)
  }

  private static func blockDevice(
    _ path: String, _ mark: SourceMark, _ status: FileStatus, readOnly: Bool, _ log: ProblemLog
  ) -> LegSurvey? {
    let descriptor = unsafe linux_open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0)
    guard descriptor >= 0 else {
      log.report(
        mark,
        "cannot open the device \(Quoted(path))\(log.byWhom): \(ErrnoText.current); name "
          + "another, or start mirrorfs as a user who may")
      return nil
    }
    defer { close(descriptor) }
    var byteCount: UInt64 = 0
    var logicalBlock: UInt32 = 0
    guard unsafe linux_block_device_geometry(descriptor, &byteCount, &logicalBlock) == 0 else {
      log.report(
        mark, "cannot tell the size of \(Quoted(path)): \(ErrnoText.current); name another device")
      return nil
    }
    guard byteCount >= UInt64(sectorByteCount) else {
      log.report(mark, "the device \(Quoted(path)) is empty; attach something, or name another")
      return nil
    }
    if !readOnly && SysfsBlock(status.deviceNumber).isReadOnly {
      log.report(
        mark,
        "the device \(Quoted(path)) is read-only; name another, or write 'read_only: true' "
          + "in the volume")
      return nil
    }
    var ground = StorageGround.of(blockDevice: status.deviceNumber)
    ground.paths.insert(realPath(path), at: 0)
    return LegSurvey(
      ground: ground, byteCount: byteCount, logicalBlock: max(1, logicalBlock))
  }

  /// A path where nothing is: an error, or a file to be made.
  private static func missing(
    _ path: String, _ mark: SourceMark, _ number: Int32, _ leg: LegDraft, _ log: ProblemLog
  ) -> LegSurvey? {
    guard number == ENOENT else {
      log.report(
        mark,
        "cannot reach \(Quoted(path))\(log.byWhom): \(ErrnoText.text(number)); name a file or "
          + "block device that this user may reach")
      return nil
    }
    if FileStatus.isLink(path) {
      log.report(
        mark,
        "\(Quoted(path)) is a symbolic link to a missing file; correct the link, or name "
          + "the file itself")
      return nil
    }
    switch leg.create {
    case .given(true, _): return toBeMade(path, mark, log)
    case .broken: return nil
    default:
      log.report(
        mark,
        "\(Quoted(path)) does not exist; name an existing file or block device, or write "
          + "'create: true' to have it made")
      return nil
    }
  }

  private static func toBeMade(
    _ path: String, _ mark: SourceMark, _ log: ProblemLog
  ) -> LegSurvey? {
    let folder = RealPath.parent(of: path)
    guard !path.hasSuffix("/") else {
      log.report(mark, "\(Quoted(path)) ends in '/', but a leg is a file; remove the '/'")
      return nil
    }
    guard let real = RealPath.of(folder), let status = FileStatus(real), status.kind == .folder
    else {
      log.report(
        mark,
        "\(Quoted(path)) cannot be made, because its folder \(Quoted(folder)) does not "
          + "exist; make the folder first")
      return nil
    }
    guard FileStatus.allows(real, W_OK | X_OK) else {
      log.report(
        mark,
        "\(Quoted(path)) cannot be made in its folder\(log.byWhom): \(ErrnoText.current); name "
          + "a folder where this user may write")
      return nil
    }
    let name = RealPath.name(of: path)
    return LegSurvey(
      ground: StorageGround(
        base: .missing(device: status.device, inode: status.inode, name: name),
        paths: [real == "/" ? "/\(name)" : "\(real)/\(name)"]),
      byteCount: nil, logicalBlock: 1)
  }

  private static func isAllowed(
    _ path: String, _ mark: SourceMark, readOnly: Bool, _ log: ProblemLog
  ) -> Bool {
    for (use, verb) in [(R_OK, "read"), (W_OK, "written")] where use == R_OK || !readOnly {
      guard !FileStatus.allows(path, use) else { continue }
      let other = use == W_OK ? ", or write 'read_only: true' in the volume" : ""
      log.report(
        mark,
        "\(Quoted(path)) cannot be \(verb)\(log.byWhom): \(ErrnoText.current); change its "
          + "permissions, or start mirrorfs as a user who may\(other)")
      return false
    }
    return true
  }

  private static func realPath(_ path: String) -> String {
    RealPath.of(path) ?? path
  }
}
