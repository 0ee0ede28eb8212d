internal import ArgumentParser
internal import BlockIO
internal import DMIO
internal import Glibc

struct ReadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "read",
    abstract: "Reads a region to standard output, zeroes where it cannot be read (E6).")
  @OptionGroup var options: RequestOptions
  @Argument(help: "PATH:FIRST+COUNT") var region: NamedRegion

  func run() throws {
    let bytes = UnsafeMutableRawBufferPointer.allocate(
      byteCount: Int(region.sectors.count.byteCount), alignment: 4096)
    defer { unsafe bytes.deallocate() }
    defer { unsafe write(UnsafeRawBufferPointer(bytes), to: 1) }
    try carryOut(.read, [region], unsafe .contiguous(bytes), options)
  }
}

struct WriteCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "write", abstract: "Writes standard input to every region.")
  @OptionGroup var options: RequestOptions
  @Flag(help: "Durable when the command ends (FUA).") var through = false
  @Argument(help: "PATH:FIRST+COUNT ...") var regions: [NamedRegion]

  func run() throws {
    let input = try readInput()
    try unsafe input.withUnsafeBytes { bytes in
      try carryOut(through ? .writeThrough : .write, regions, unsafe .contiguous(bytes), options)
    }
  }
}

struct FlushCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flush", abstract: "Makes what was written to these devices durable.")
  @OptionGroup var options: RequestOptions
  @Argument(help: "PATH:FIRST+COUNT ...") var regions: [NamedRegion]

  func run() throws { try carryOut(.flush, regions, .none, options) }
}

struct DiscardCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "discard", abstract: "Gives the contents of regions up.")
  @OptionGroup var options: RequestOptions
  @Argument(help: "PATH:FIRST+COUNT ...") var regions: [NamedRegion]

  func run() throws { try carryOut(.discard, regions, .none, options) }
}

struct ZeroCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "zero", abstract: "Makes regions read as zeroes.")
  @OptionGroup var options: RequestOptions
  @Flag(help: "Keep the space reserved.") var reserved = false
  @Argument(help: "PATH:FIRST+COUNT ...") var regions: [NamedRegion]

  func run() throws {
    try carryOut(reserved ? .writeZeroesReserved : .writeZeroes, regions, .none, options)
  }
}

struct CopyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "copy",
    abstract: "Copies a region to others; prints how many sectors are on all of them.")
  @OptionGroup var options: RequestOptions
  @Flag(help: "Go on behind a failure.") var ignoreErrors = false
  @Argument(help: "PATH:FIRST+COUNT") var source: NamedRegion
  @Argument(help: "PATH:FIRST+COUNT ...") var destinations: [NamedRegion]

  func run() throws {
    let from = try source.open(isReadOnly: true)
    let files = try destinations.map { try $0.open() }
    let copier = try CopyClient(backend: try options.makeBackend())
    let result = try copier.copy(
      from: Region(device: from.device, sectors: source.sectors),
      to: zip(files, destinations).map { Region(device: $0.device, sectors: $1.sectors) },
      ignoresErrors: ignoreErrors)
    withExtendedLifetime((from, files)) {}
    write("copied=\(result.copiedCount.rawValue) ", to: 1)
    try end(result.writeErrorBits, result.failures, readError: result.readError)
  }
}

/// All of standard input.
func readInput() throws -> [UInt8] {
  var input: [UInt8] = []
  var block = [UInt8](repeating: 0, count: 1 << 20)
  while case let count = unsafe Glibc.read(0, &block, block.count), count != 0 {
    guard count > 0 else { throw ValidationError("standard input: \(Errno.last.name)") }
    input += block[..<count]
  }
  return input
}

func write(_ text: String, to descriptor: CInt) {
  var text = text
  text.withUTF8 { unsafe write(UnsafeRawBufferPointer($0), to: descriptor) }
}

/// Writes all of it, as far as it can be written.
func write(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt) {
  var written = 0
  while let base = bytes.baseAddress, written < bytes.count {
    let count = unsafe Glibc.write(descriptor, base + written, bytes.count - written)
    if count <= 0 { return }
    written += count
  }
}
