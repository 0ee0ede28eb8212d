internal import BlockIO
internal import BlockIOUring
internal import Glibc

/// `engine-benchmark [FOLDER [ROUNDS]]`: prints JSON. Files are made in FOLDER, which has to allow
/// direct I/O, and removed at the end.
@main struct EngineBenchmark {
  static func main() async throws {
    let arguments = CommandLine.arguments
    let folder = arguments.count > 1 ? arguments[1] : "."
    let roundCount = arguments.count > 2 ? Int(arguments[2]) ?? 11 : 11
    let costs = try await CallCosts().measureAll()
    print("{\"version\":1,")
    print(" \"calls\":[")
    print(costs.map { "  " + $0.json }.joined(separator: ",\n"))
    print(" ],")
    print(" \"transfers\":[")
    print(try races(folder, roundCount).map { "  " + $0.json }.joined(separator: ",\n"))
    print(" ]}")
  }

  private static func races(_ folder: String, _ roundCount: Int) throws -> [RaceResult] {
    if let refusal = UringBackend.refusal() { throw refusal }
    let paths = try (0..<4).map { try makeFile(folder, $0) }
    defer { for path in paths { unsafe unlink(path) } }
    let race = try TransferRace(paths: paths, roundCount: roundCount)
    var results: [RaceResult] = []
    for regionCount in [1, 2, 4] {
      for (byteCount, depth, requestCount) in [(4096, 32, 4000), (4096, 1, 600), (1 << 20, 4, 160)]
      {
        results.append(
          try race.measure(
            byteCount: byteCount, depth: depth, regionCount: regionCount,
            requestCount: requestCount / regionCount))
      }
    }
    return results
  }

  /// A file with all of its blocks: what is measured are overwrites.
  private static func makeFile(_ folder: String, _ number: Int) throws -> String {
    let path = "\(folder)/engine-benchmark.\(getpid()).\(number)"
    let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Errno.last }
    defer { close(descriptor) }
    let block = [UInt8](repeating: 0xA5, count: 1 << 20)
    for _ in 0..<TransferRace.span / UInt64(block.count) {
      guard unsafe write(descriptor, block, block.count) == block.count else { throw Errno.last }
    }
    guard fsync(descriptor) == 0 else { throw Errno.last }
    return path
  }
}
