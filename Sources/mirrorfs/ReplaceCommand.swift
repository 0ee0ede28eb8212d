import ArgumentParser
import BlockIO
import Glibc
import MountConfig

struct ReplaceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replace",
    abstract: "Copies a volume onto a new leg, which then takes the place of an old one.",
    discussion: """
      The old leg serves until the new one holds everything. What the new one held is overwritten.

        mirrorfs replace /mnt/volumes/db.img 1 /dev/sdc --wait
        mirrorfs replace /mnt/volumes/db.img 1 /dev/sdc --write-config volumes.yaml
        mirrorfs replace /mnt/volumes/db.img 1 /dev/sdc --wait --json
        mirrorfs replace /mnt/volumes/db.img --cancel
      """)

  @OptionGroup var target: VolumeArgument
  @Argument(help: "The number of the old leg, from 0.") var leg: Int?
  @Argument(help: "The new leg: an existing file or block device.") var newPath: String?
  @Option(help: ArgumentHelp("Its first sector. Default: the old leg's.", valueName: "sector"))
  var start: UInt64?
  @Flag(help: "Return when it has taken the old one's place; Ctrl-C leaves it running.")
  var wait = false
  @Option(
    help: ArgumentHelp("Wait, and then write the new leg into this config.", valueName: "config"),
    completion: .file(extensions: ["yaml", "yml"]))
  var writeConfig: String?
  @Flag(help: "Give a replacement that is under way up.") var cancel = false
  @Flag(help: "How it stands then, as JSON.") var json = false

  func validate() throws {
    if cancel, json { throw ValidationError("--json says how a replacement stands; leave it out") }
    if cancel != (leg == nil) || (leg == nil) != (newPath == nil) {
      throw ValidationError("say which leg is to be replaced and by what, or --cancel")
    }
  }

  func run() throws {
    let control = try VolumeControl(target.volume)
    guard let leg, let newPath else {
      return try control.send("replace cancel")
    }
    try control.check(leg: leg)
    let path = newPath.hasPrefix("/") ? newPath : "\(try currentFolder())/\(newPath)"
    guard let region = control.attribute("leg.\(leg).region"),
      let old = LegRegion(region)
    else { return try control.refuse("it does not say where leg \(leg) is; try again") }
    try check(path, control)
    if let writeConfig { try edit(writeConfig, control, old, path, isTrial: true) }
    try control.send("replace \(leg) \(start ?? old.firstSector) \(path)") { error in
      switch error {
      case .inUse:
        "\(path) is in use, or another leg is being replaced (`mirrorfs replace \(control.path) "
          + "--cancel` gives that up)"
      case .noSpace, .outOfRange:
        "\(path) is too small: it needs the bytes of the volume, as `stat -c %s \(control.path)` "
          + "shows, behind its first sector"
      case .invalid: "\(path) has larger logical blocks than the volume; name another disk"
      case Errno(EACCES) where unsafe access(control.path, W_OK) == 0:
        "\(path): the daemon may not open it: it runs as user \(daemonUser(control)); change its "
          + "permissions"
      default: nil
      }
    }
    let isInPlace = { control.attribute("leg.\(leg).region").map { $0.hasPrefix(path + " ") } }
    if wait || writeConfig != nil { try control.wait { !(isInPlace() ?? false) } }
    if let writeConfig { try edit(writeConfig, control, old, path, isTrial: false) }
    if json {
      let document = WorkDocument(
        control, work: "replace", leg: leg, device: path, isDone: isInPlace() ?? false)
      print(document.line)
    }
  }

  /// Whom the daemon runs as: the owner of the mount's directory.
  private func daemonUser(_ control: VolumeControl) -> String {
    let parent = control.path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    let folder = parent.isEmpty ? "." : parent.joined(separator: "/") + "/"
    var status = Glibc.stat()
    guard unsafe stat(folder, &status) == 0 else { return "\(Errno.last)" }
    let entry = unsafe getpwuid(status.st_uid)
    return unsafe entry.map { unsafe String(cString: $0.pointee.pw_name) } ?? "\(status.st_uid)"
  }

  /// A leg in the mount itself would wait for itself.
  private func check(_ path: String, _ control: VolumeControl) throws {
    var (new, volume) = (Glibc.stat(), Glibc.stat())
    guard unsafe stat(path, &new) == 0 else {
      try control.refuse("\(path): \(Errno.last); make it first, as with `truncate -s SIZE`")
      return
    }
    if unsafe stat(control.path, &volume) == 0, new.st_dev == volume.st_dev {
      try control.refuse("\(path) lies in the mount; a leg must not")
    }
  }

  private func currentFolder() throws -> String {
    guard let folder = unsafe getcwd(nil, 0) else { throw StartupProblem("\(Errno.last)") }
    defer { unsafe free(folder) }
    return unsafe String(cString: folder)
  }

  /// Puts the new path in the old one's place, where that stands in the config.
  private func edit(
    _ config: String, _ control: VolumeControl, _ old: LegRegion, _ path: String, isTrial: Bool
  ) throws {
    guard start == nil || start == old.firstSector else {
      try control.refuse("--write-config writes a path; write 'start: \(start ?? 0)' yourself")
      return
    }
    let name = control.path.split(separator: "/").last.map(String.init) ?? ""
    do throws(ConfigEdit.Refusal) {
      let edit = try ConfigEdit(config, volume: name, leg: leg ?? 0)
      if !isTrial { try edit.replacePath(by: path) }
    } catch {
      try control.refuse(error.text)
    }
  }
}

/// `PATH FIRST+COUNT`, as `user.mirrorfs.leg.N.region` has it.
struct LegRegion {
  let path: String
  let firstSector: UInt64

  init?(_ text: String) {
    guard let space = text.lastIndex(of: " ") else { return nil }
    let numbers = text[text.index(after: space)...].split(separator: "+")
    guard numbers.count == 2, let first = UInt64(numbers[0]) else { return nil }
    path = String(text[..<space])
    firstSector = first
  }
}
