internal import ArgumentParser
internal import BlockIO
internal import BlockIOThreads
internal import BlockIOUring
internal import DMIO

/// `dmio-tool`: the engine on the command line, one request a call.
@main struct DMIOCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dmio-tool",
    abstract: "Carries out one request of the engine DMIO on regions of files and devices.",
    discussion: """
      A region is PATH:FIRST+COUNT, in sectors of 512 bytes. Prints the error bits, and the errno
      of each region that failed. Exit status: 0, or 1 when a bit is set.

        dmio-tool write /dev/sdb:2048+8 /dev/sdc:0+8 <page     the same page to two disks
        dmio-tool copy --ignore-errors /dev/sdb:0+409600 /dev/sdc:0+409600
      """,
    subcommands: [
      ReadCommand.self, WriteCommand.self, FlushCommand.self, DiscardCommand.self,
      ZeroCommand.self, CopyCommand.self,
    ])
}

/// What all requests have in common.
struct RequestOptions: ParsableArguments {
  @Option(help: "uring or threads.") var engine = "threads"

  func makeBackend() throws -> any Backend {
    switch engine {
    case "threads": return ThreadsBackend()
    case "uring":
      if let refusal = UringBackend.refusal() {
        throw ValidationError("io_uring: \(refusal.name)")
      }
      return UringBackend()
    default: throw ValidationError("an engine is uring or threads")
    }
  }
}

/// A region as it is typed, and the file that it lies in.
struct NamedRegion: ExpressibleByArgument {
  let path: String
  let sectors: SectorRange

  init?(argument: String) {
    guard let colon = argument.lastIndex(of: ":") else { return nil }
    let numbers = argument[argument.index(after: colon)...].split(
      separator: "+", omittingEmptySubsequences: false
    ).map { UInt64($0) }
    guard numbers.count == 2, let first = numbers[0], let count = numbers[1],
      first <= 1 << 54, count <= 1 << 40
    else { return nil }
    path = String(argument[..<colon])
    sectors = SectorRange(first: Sector(first), count: SectorCount(count))
  }

  func open(isReadOnly: Bool = false) throws -> DeviceFile {
    do throws(Errno) {
      return try DeviceFile(
        path: path, access: .automatic, isReadOnly: isReadOnly, region: sectors)
    } catch {
      throw ValidationError("\(path): \(error.name)")
    }
  }
}

/// Carries a request out and prints how it ended.
func carryOut(
  _ operation: Operation, _ named: [NamedRegion], _ memory: IOMemory = .none,
  _ options: RequestOptions
) throws {
  let files = try named.map { try $0.open(isReadOnly: operation == .read) }
  let regions = zip(files, named).map { Region(device: $0.device, sectors: $1.sectors) }
  let client = IOClient(backend: try options.makeBackend(), pages: 1)
  let result = try withExtendedLifetime(files) {
    try client.perform(operation, on: regions, memory: memory)
  }
  try end(result.errorBits, result.failures, toStandardError: operation == .read)
}

/// Prints error bits, and ends with status 1 if there are any.
func end(
  _ bits: ErrorBits, _ failures: [RegionFailure], readError: Errno? = nil,
  toStandardError: Bool = false
) throws {
  var line = "error_bits=\(bits)"
  if let readError { line += " read=\(readError.name)" }
  for failure in failures { line += " \(failure.regionIndex)=\(failure.error.name)" }
  write(line + "\n", to: toStandardError ? 2 : 1)
  if readError != nil || !bits.isEmpty { throw ExitCode(1) }
}
