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

  func validate() throws {
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
      default: nil
      }
    }
    guard wait || writeConfig != nil else { return }
    try control.wait {
      control.attribute("leg.\(leg).region").map { !$0.hasPrefix(path + " ") } ?? true
    }
    if let writeConfig { try edit(writeConfig, control, old, path, isTrial: false) }
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
