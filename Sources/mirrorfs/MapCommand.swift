import ArgumentParser
import CLinux
import Glibc
import Volumes

struct MapCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "map",
    abstract: "Draws which parts of a volume are in sync on which leg.",
    discussion: """
      One row of cells a leg, from the volume's first sector to its last; below them the chunks \
      that are marked in the write-intent map. A cell shows the worst of what lies in it.

        mirrorfs map /mnt/volumes/db.img
        mirrorfs map /mnt/volumes/db.img --svg db.svg
        mirrorfs map /mnt/volumes/db.img --json
      """)

  @OptionGroup var target: VolumeArgument
  @Option(
    help: ArgumentHelp(
      "Cells of a row, from 8 to 512. Default: as many as the terminal has room for.",
      valueName: "cells"))
  var width: Int?
  @Option(
    help: ArgumentHelp("Write the map as a picture to this file.", valueName: "file"),
    completion: .file(extensions: ["svg"]))
  var svg: String?
  @Flag(help: "The map as the volume gives it, as JSON.") var json = false

  func validate() throws {
    if let width, !(8...512).contains(width) {
      throw ValidationError("--width takes a number of cells from 8 to 512")
    }
  }

  func run() throws {
    let control = try VolumeControl(target.volume)
    guard let text = control.attribute("map"),
      let map = JSONLine.read(VolumeMapDocument.self, text),
      let report = VolumeReport(target.volume)
    else {
      return try control.refuse("it gives no map; is its daemon of this version?")
    }
    if json { return print(text) }
    if let svg {
      try write(MapPicture(map, report).svg(), to: svg)
      if !Paint.isTerminal(STDOUT_FILENO) { return }
    }
    let width = width ?? min(128, max(8, Self.terminalWidth() - 16))
    print(MapText(map, report, width: width, paint: Paint(STDOUT_FILENO)).text, terminator: "")
  }

  private func write(_ text: String, to path: String) throws {
    let descriptor = unsafe linux_open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { return try fail(path) }
    defer { close(descriptor) }
    let count = unsafe Glibc.write(descriptor, text, text.utf8.count)
    if count != text.utf8.count { try fail(path) }
  }

  private func fail(_ path: String) throws {
    let reason = unsafe String(cString: strerror(errno))
    printError("\(path): \(reason); name another file")
    throw ExitCode(1)
  }

  /// Columns; 80 where there is no terminal.
  private static func terminalWidth() -> Int {
    var size = winsize()
    let isKnown = unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    return isKnown ? Int(size.ws_col) : 80
  }
}
