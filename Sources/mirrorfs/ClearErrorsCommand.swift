import ArgumentParser

struct ClearErrorsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "clear-errors",
    abstract: "Forgets the past errors of a volume; what its legs missed stays known.",
    discussion: """
        mirrorfs clear-errors /mnt/volumes/db.img
      """)

  @OptionGroup var target: VolumeArgument

  func run() throws { try VolumeControl(target.volume).send("clear-errors") }
}
