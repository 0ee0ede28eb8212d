import ArgumentParser
import BlockIO
import MountConfig

struct FaultCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fault",
    abstract: "Rehearses a fault on one leg of a live mount; it ends by itself.",
    discussion: """
      What a failing disk does can be seen before one fails. The leg itself is not touched: what \
      it misses meanwhile is copied to it afterwards, as after a real fault.

        eio           reads, writes and flushes fail
        enospc        writes find no space
        delay         each transfer takes longer (--delay)
        corrupt-read  reads bring wrong bytes and say nothing; never those that are written again,
                      such as copies to other legs
        off           ends the fault that the leg has

        mirrorfs fault /mnt/volumes/db.img 1 eio --for 60s
        mirrorfs fault /mnt/volumes/db.img 1 delay --delay 200ms --range 2048+8192
        mirrorfs fault /mnt/volumes/db.img 1 off
      """)

  enum Kind: String, ExpressibleByArgument, CaseIterable {
    case eio, enospc, delay
    case corruptRead = "corrupt-read"
    case off
  }

  @OptionGroup var target: VolumeArgument
  @Argument(help: "The leg's number, from 0.") var leg: Int
  @Argument(help: "What goes wrong.") var kind: Kind
  @Option(
    help: ArgumentHelp(
      "Only these sectors of the volume. Default: all.", valueName: "first+count"))
  var range: String?
  @Option(name: .customLong("for"), help: ArgumentHelp("How long; at most 1h.", valueName: "time"))
  var duration = "60s"
  @Option(help: ArgumentHelp("How much longer a transfer takes.", valueName: "time")) var delay =
    "1s"
  @Flag(help: "With corrupt-read: programs that read the volume may be given wrong bytes.")
  var wrongData = false

  func validate() throws {
    for time in [duration, delay] {
      guard let milliseconds = DurationAmount.read(time), (1...3_600_000).contains(milliseconds)
      else {
        throw ValidationError("'\(time)' is no time; write 1ms to 1h, such as 60s or 5min")
      }
    }
    if kind == .corruptRead, !wrongData {
      throw ValidationError(
        "corrupt-read gives wrong bytes to every program that reads the volume, and what it writes "
          + "then may be wrong for good; say --wrong-data if that is meant")
    }
  }

  func run() throws {
    let control = try VolumeControl(target.volume)
    try control.check(leg: leg)
    var words = ["fault", "\(leg)", kind.rawValue]
    if kind != .off {
      words.append("for=\(DurationAmount.read(duration) ?? 0)")
      if kind == .delay { words.append("delay=\(DurationAmount.read(delay) ?? 0)") }
      if let range { words.append("range=\(range)") }
    }
    try control.send(
      words.joined(separator: " "),
      whenBusy: "leg \(leg) has a fault already; `mirrorfs fault \(target.volume) \(leg) off`"
    ) { error in
      error == .invalid && kind == .off ? "leg \(leg) has no fault, or there is no such leg" : nil
    }
  }
}
