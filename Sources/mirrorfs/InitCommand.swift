import ArgumentParser
import BlockIO
import Glibc
import MountConfig

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Writes a commented config for one volume to stdout.",
    discussion: """
      Sizes and alignment are read from the legs; nothing is written to them. Legs that do not \
      exist are made at the first mount, and need --size.

        mirrorfs init db.img /dev/sdb /dev/sdc >volumes.yaml
        mirrorfs init db.img /srv/disk1/db.leg /srv/disk2/db.leg --size 1GiB >volumes.yaml
        mirrorfs check volumes.yaml
      """)

  @Argument(help: "The volume's file name in the mount.") var name: String
  @Argument(help: "Files and block devices, one a copy.", completion: .file())
  var legs: [String]
  @Option(help: "Of the volume, such as 1GiB. Default: that of the smallest leg.")
  var size: String?

  func validate() throws {
    if let size, (ByteAmount.read(size) ?? 0) == 0 {
      throw ValidationError("--size takes whole sectors with a unit, such as 100MiB or 1GiB")
    }
  }

  func run() throws {
    do throws(ConfigSketch.Refusal) {
      let sketch = try ConfigSketch(
        name: name, paths: legs, sectorCount: size.flatMap { ByteAmount.read($0) }.map { $0 / 512 })
      try check(sketch.text)
      for warning in sketch.warnings { printError("warning: \(warning)") }
      print(sketch.text, terminator: "")
    } catch {
      printError(error.text)
      throw ExitCode(1)
    }
  }

  /// What this command writes can be mounted: looked at as `mirrorfs check` would.
  private func check(_ text: String) throws(ConfigSketch.Refusal) {
    var path = Array("/tmp/mirrorfs-init.XXXXXX".utf8CString)
    let descriptor = unsafe mkstemp(&path)
    guard descriptor >= 0 else { throw ConfigSketch.Refusal("/tmp: \(Errno.last)") }
    defer {
      unsafe unlink(path)
      close(descriptor)
    }
    unsafe _ = write(descriptor, text, text.utf8.count)
    let file = "/proc/self/fd/\(descriptor)"
    do throws(ConfigProblems) {
      _ = try MountConfiguration.load(file: file, mountPoint: nil)
    } catch {
      // A place in a file that nobody has says nothing.
      let place = /, at \/proc\/self\/fd\/[0-9:]+/
      throw ConfigSketch.Refusal(
        error.problems.map { $0.message.replacing(place, with: "") }.joined(separator: "\n"))
    }
  }
}
