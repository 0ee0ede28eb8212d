import ArgumentParser

struct FailCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fail",
    abstract: "Takes a leg out of service: it is neither read nor written until restored.",
    discussion: """
        mirrorfs fail /mnt/volumes/db.img 1
      """)

  @OptionGroup var target: VolumeArgument
  @Argument(help: "The leg's number, from 0.") var leg: Int

  func run() throws {
    let control = try VolumeControl(target.volume)
    try control.check(leg: leg)
    try control.send(
      "fail \(leg)",
      whenBusy: "leg \(leg) is the only one that holds some sectors; let the others be resynced "
        + "first: `mirrorfs resync \(control.path) --wait`")
  }
}

struct RestoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Brings a leg back into service; what it missed is copied to it.",
    discussion: """
        mirrorfs restore /mnt/volumes/db.img 1 --wait
      """)

  @OptionGroup var target: VolumeArgument
  @Argument(help: "The leg's number, from 0.") var leg: Int
  @Flag(help: "Return when it is in sync; Ctrl-C leaves it running.") var wait = false

  func run() throws {
    let control = try VolumeControl(target.volume)
    try control.check(leg: leg)
    try control.send("restore \(leg)")
    if wait { try control.wait() }
  }
}
