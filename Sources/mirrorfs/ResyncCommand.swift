import ArgumentParser

struct ResyncCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resync",
    abstract: "Copies what legs missed, now; legs do that by themselves a little later.",
    discussion: """
      Legs that were changed behind mirrorfs' back are resynced by this command only. Where legs \
      were found to differ at their first mount, --source says which is right, and the others \
      are overwritten there.

        mirrorfs resync /mnt/volumes/db.img --wait
        mirrorfs resync /mnt/volumes/db.img --source 1
        mirrorfs resync /mnt/volumes/db.img --wait --json
      """)

  @OptionGroup var target: VolumeArgument
  @Option(help: ArgumentHelp("The leg that is right where legs differ.", valueName: "leg"))
  var source: Int?
  @Flag(help: "Return when it is done; Ctrl-C leaves it running.") var wait = false
  @Flag(help: "How it stands then, as JSON.") var json = false

  func run() throws {
    let control = try VolumeControl(target.volume)
    try control.check(leg: source)
    try control.send("resync" + (source.map { " source=\($0)" } ?? ""))
    if wait { try control.wait() }
    if json { print(WorkDocument(control, work: "resync").line) }
    if let disputed = control.attribute("disputed"), disputed != "none" {
      printError(
        "\(target.volume): legs differ in \(disputed); `mirrorfs resync \(target.volume) "
          + "--source LEG` says which is right")
    }
  }
}
