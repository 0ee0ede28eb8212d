import ArgumentParser
import MountConfig

struct PauseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pause",
    abstract: "Stops the background work of a volume until it is resumed, or mounted again.",
    discussion: """
        mirrorfs pause /mnt/volumes/db.img
      """)

  @OptionGroup var target: VolumeArgument

  func run() throws { try VolumeControl(target.volume).send("pause") }
}

struct ResumeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Lets paused background work go on.",
    discussion: """
        mirrorfs resume /mnt/volumes/db.img
      """)

  @OptionGroup var target: VolumeArgument

  func run() throws { try VolumeControl(target.volume).send("resume") }
}

struct RateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rate",
    abstract: "Sets how much background work may copy or compare a second, at once.",
    discussion: """
        mirrorfs rate /mnt/volumes/db.img 50MiB
        mirrorfs rate /mnt/volumes/db.img 0B
      """)

  @OptionGroup var target: VolumeArgument
  @Argument(help: "An amount a second, such as 50MiB; 0B: no limit.") var amount: String

  func validate() throws {
    guard ByteAmount.read(amount) != nil else {
      throw ValidationError("an amount is a number with a unit: B, KiB, MiB, GiB or TiB")
    }
  }

  func run() throws {
    let byteCount = ByteAmount.read(amount) ?? 0
    try VolumeControl(target.volume).send("rate \(byteCount)")
  }
}
