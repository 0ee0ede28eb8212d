import ArgumentParser
import BlockIO
import CLinux
import Glibc
import Logging
import MountConfig

struct MountCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mount",
    abstract: "Mounts the volumes of a config; returns when they can be used.",
    discussion: """
      Stays in the background until unmounted; SIGTERM and SIGINT flush and unmount.

        mirrorfs mount volumes.yaml /mnt/volumes
        mirrorfs mount volumes.yaml /mnt/volumes --foreground --engine threads
      """)

  @Argument(help: "The config file.", completion: .file(extensions: ["yaml", "yml"]))
  var config: String
  @Argument(help: "An existing folder.", completion: .directory) var mountPoint: String

  @Option(
    name: .customShort("o"),
    help: ArgumentHelp("Mount options, separated by commas.", valueName: "options"))
  var options: [String] = []

  @Flag(help: "Stay in the foreground and log to stderr.") var foreground = false

  @Option(help: "How legs are reached: uring or threads. Default: what the config says.")
  var engine: EngineWord?

  @Option(help: "How requests arrive: dev or uring. Default: what the config says.")
  var transport: TransportWord?

  @Option(
    help: ArgumentHelp(
      "Append log lines to this file, instead of stderr or the system's log.", valueName: "file"),
    completion: .file())
  var log: String?

  @Option(
    help: ArgumentHelp(
      "Append a JSON record of each change and each failed request to this file.",
      valueName: "file"),
    completion: .file())
  var eventLog: String?

  @Option(help: "How long the config's on_change program may run before it is killed.")
  var onChangeLimit = "60s"

  @Option(help: "Requests that may wait for legs at once, each on a thread.") var threads = 64

  @Option(help: .hidden) var readyDescriptor: CInt?

  enum EngineWord: String, ExpressibleByArgument, CaseIterable { case auto, uring, threads }
  enum TransportWord: String, ExpressibleByArgument, CaseIterable { case auto, dev, uring }

  func validate() throws {
    let unknown = MountOptions(options).unknown
    guard unknown.isEmpty else {
      throw ValidationError("unknown mount option: \(unknown.joined(separator: ", "))")
    }
    guard let limit = DurationAmount.read(onChangeLimit), limit > 0 else {
      throw ValidationError("--on-change-limit takes a time, such as 60s")
    }
    guard (1...1024).contains(threads) else {
      throw ValidationError("--threads takes a number from 1 to 1024")
    }
  }

  func run() throws {
    do {
      if foreground || readyDescriptor != nil { try serve() } else { try Background.start(words) }
    } catch let problem as StartupProblem {
      printLines(problem.text)
      throw ExitCode(1)
    }
  }

  /// The words behind `mirrorfs mount` that make the same mount.
  private var words: [String] {
    var words = options.flatMap { ["-o", $0] } + ["--threads", "\(threads)"]
    if let engine { words += ["--engine", engine.rawValue] }
    if let transport { words += ["--transport", transport.rawValue] }
    if let log { words += ["--log", log] }
    if let eventLog { words += ["--event-log", eventLog] }
    words += ["--on-change-limit", onChangeLimit]
    return words + ["--", config, mountPoint]
  }

  private func serve() throws {
    unsafe linux_name_thread("mirrorfs")
    Signals.block()
    let place = try MountPoint.resolve(mountPoint)
    let configuration = try loadConfiguration(config, mountPoint: place)
    let log = EventLog(target: try logTarget())
    defer { log.end() }
    let mount = Mount(
      configuration: configuration, mountPoint: place,
      options: MountOptions(options).complete(
        source: config,
        // The mount of a service is for root, too; others are kept out by the folder's mode.
        allowOther: configuration.allowOther || ServiceRights(configuration.user) != nil),
      engine: engine.flatMap { EngineChoice($0) } ?? configuration.engine,
      transport: transport.flatMap { TransportChoice(rawValue: $0.rawValue) }
        ?? configuration.transport, threadCount: threads,
      eventLog: eventLog ?? configuration.eventLog,
      hookMilliseconds: DurationAmount.read(onChangeLimit) ?? 0,
      logger: Logger(label: "mirrorfs") { _ in EventLogHandler(log: log) })
    let isHung = try mount.run {
      if let readyDescriptor { Background.reportReady(on: readyDescriptor) }
    }
    guard isHung else { return }
    log.end()
    // Not by way of exit(3), which would wait for what the threads that hang still use.
    _exit(0)
  }

  private func logTarget() throws -> LogTarget {
    guard let log else {
      if foreground { return .standardError }
      if unsafe access("/dev/log", W_OK) != 0 {
        printError("warning: there is no system log here; say where log lines go with `--log FILE`")
      }
      return .systemLog
    }
    let descriptor = unsafe linux_open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else { throw StartupProblem("log \(log): \(Errno.last)") }
    return .file(descriptor)
  }
}

extension EngineChoice {
  init?(_ word: MountCommand.EngineWord) {
    switch word {
    case .auto: self = .auto
    case .uring: self = .uring
    case .threads: self = .threads
    }
  }
}
