import BlockIO
import BlockIOFaults
import BlockIOThreads
import BlockIOUring
import CLinux
import DMIO
import Glibc
import Logging
import Mirror
import MountConfig
import VolumeFS
import Volumes

/// One mount from start to end: the parts put together, served, flushed and let go.
struct Mount {
  let configuration: MountConfiguration
  let mountPoint: String
  let options: [String]
  let engine: EngineChoice
  let transport: TransportChoice
  let threadCount: Int
  /// Where records of failed requests go; nil: nowhere.
  let eventLog: String?
  /// How long the program of `on_change` may run.
  let hookMilliseconds: UInt32
  let logger: Logger

  /// Serves until the mount is gone.
  ///
  /// - Parameter whenReady: called once, when the volumes can be used.
  /// - Throws: ``StartupProblem`` when it could not start, or when the last flush failed.
  /// Returns whether a leg that hangs still holds threads or memory: then the process has to end.
  func run(_ whenReady: @escaping @Sendable () -> Void) throws(StartupProblem) -> Bool {
    try FileLimit.raise(for: configuration)
    let rights = ServiceRights(configuration.user)
    try rights?.enter()
    let drill = FaultDrill(wrapping: try makeBackend())
    let hook = configuration.onChange.map {
      ChangeHook(program: $0, limitMilliseconds: hookMilliseconds, logger: logger)
    }
    let notices = try Notices(
      eventLog: eventLog, hook: hook, mountPoint: mountPoint, logger: logger)
    defer { notices.end() }
    var assembly = VolumeAssembly(
      configuration: configuration, logger: logger, notices: notices, drill: drill)
    // What may refuse without having written anything comes first.
    try assembly.openLegs()
    let state = try StateDirectory(of: configuration)
    let volumes = try assembly.assemble()
    // A lane for each thread, and some for flushes that no request asks for.
    let client = IOClient(
      backend: drill.backend,
      pages: pageCount(lanes: max(threadCount, VolumeFileSystem.mostWorkers) + 8 + volumes.count))
    let fileSystem = VolumeFileSystem(
      table: VolumeTable(volumes), client: client, threadCount: threadCount,
      transport: KernelTransport(transport),
      isForOwner: configuration.user != nil && !configuration.allowOther)
    if let rights {
      try rights.giveUp { () throws(StartupProblem) in try mount(fileSystem) }
    } else {
      try mount(fileSystem)
    }
    notices.whenChanged { fileSystem.noteStateChange() }
    let keepers = VolumeKeepers(volumes: volumes, client: client)
    keepers.start()
    let reload = Reload(
      configuration, mountPoint: mountPoint, fileSystem: fileSystem, keepers: keepers,
      client: client, logger: logger, notices: notices, drill: drill)
    handleSignals(fileSystem, client, reload)
    let ready = IOThread(name: "mirrorfs-ready") { [logger, mountPoint] in
      let transport = fileSystem.waitUntilReady() == .ring ? "uring" : "dev"
      ReadAhead.raise(at: mountPoint)
      logger.notice(
        "mounted mount_point=\(mountPoint) engine=\(drill.backend.name) transport=\(transport)")
      ServiceNotice.send("READY=1\nSTATUS=mounted on \(mountPoint)")
      whenReady()
    }
    let watchdog = ServiceWatchdog(mountPoint: mountPoint) { fileSystem.isWaitingForLegs }
    fileSystem.serve()
    ServiceNotice.send("STOPPING=1\nSTATUS=flushing the legs")
    watchdog?.end()
    ready.detach()
    notices.whenChanged(nil)
    drill.endAll()
    let hasEnded = keepers.end()
    let left = fileSystem.table.volumes
    let failed = close(left, client)
    tellOfStaleLegs(left)
    logger.notice("unmounted mount_point=\(mountPoint)")
    withExtendedLifetime(state) {}
    let isHung = fileSystem.isHung || !hasEnded || client.lateCount > 0
    if isHung {
      logger.warning("a leg still hangs; what it missed is in the state")
      // Threads that it holds use these for as long as the process lives.
      _ = unsafe Unmanaged.passRetained(fileSystem)
      _ = unsafe Unmanaged.passRetained(client)
    }
    if !failed.isEmpty {
      throw StartupProblem("the last flush failed: \(failed.joined(separator: ", "))")
    }
    return isHung
  }

  private func pageCount(lanes: Int) -> Int {
    (lanes + IOClient.slotsPerPage - 1) / IOClient.slotsPerPage
  }

  /// io_uring where the kernel lets us, else threads; what was asked for by name must work.
  private func makeBackend() throws(StartupProblem) -> any Backend {
    switch engine {
    case .threads: return ThreadsBackend()
    case .uring:
      if let refusal = UringBackend.refusal() {
        throw StartupProblem("io_uring is not to be had (\(refusal)); use `--engine threads`")
      }
      return UringBackend()
    case .auto:
      return UringBackend.refusal() == nil ? UringBackend() : ThreadsBackend()
    }
  }

  private func mount(_ fileSystem: VolumeFileSystem) throws(StartupProblem) {
    do throws(VolumeFileSystem.MountError) {
      try fileSystem.mount(at: mountPoint, options: options)
    } catch {
      switch error {
      case .noDevice(let errno):
        throw StartupProblem(
          "/dev/fuse: \(errno); root makes it usable with `modprobe fuse` and "
            + "`chmod 0666 /dev/fuse`")
      case .refused:
        throw StartupProblem("\(mountPoint): the mount was refused")
      }
    }
  }

  /// TERM and INT unmount; while files are open, the mount goes as soon as they are closed.
  /// HUP reads the config again.
  private func handleSignals(
    _ fileSystem: VolumeFileSystem, _ client: IOClient, _ reload: Reload
  ) {
    Signals.handle { [logger, mountPoint] number in
      if number == SIGHUP {
        ServiceNotice.sendReloading()
        reload.run()
        return ServiceNotice.send("READY=1")
      }
      let volumes = fileSystem.table.volumes
      for volume in volumes { volume.mirror.stopWaiting() }
      guard let refusal = Unmounting.unmount(mountPoint, lazily: false) else { return }
      logger.warning("still in use, unmounting lazily: \(refusal)")
      let folder = unsafe linux_open(mountPoint, O_RDONLY | O_CLOEXEC, 0)
      _ = Unmounting.unmount(mountPoint, lazily: true)
      // What the kernel has gathered; the last close would send it, but see below.
      if folder >= 0 {
        _ = linux_sync_file_system(folder)
        Glibc.close(folder)
      }
      // Whoever sends the signal may lose patience before the last file is closed.
      _ = Self.flush(volumes, client, logger)
    }
  }

  /// What the legs missed is in the state, and is resynced when they are mounted again.
  private func tellOfStaleLegs(_ volumes: [Volume]) {
    for volume in volumes {
      for (index, leg) in volume.mirror.status().legs.enumerated() where !leg.stale.isEmpty {
        let sectors = leg.stale.reduce(0) { $0 + $1.count.rawValue }
        let place = "volume=\(volume.name) leg=\(index) device=\(leg.device)"
        logger.warning("\(place) unmounted while out of sync; stale_sectors=\(sectors)")
      }
    }
  }

  /// The last flush of each volume, and the mark of a clean stop; the names of those that failed.
  private func close(_ volumes: [Volume], _ client: IOClient) -> [String] {
    let failed = ConditionLock(Set(Self.flush(volumes, client, logger)))
    SideBySide.each(volumes.count) { [logger] index in
      let volume = volumes[index]
      let isFlushed = !failed.withLock { $0.contains(volume.name) }
      do {
        try client.withLane { (lane) throws(Errno) in
          try volume.mirror.close(on: lane, isFlushed: isFlushed)
        }.get()
      } catch {
        logger.error("volume=\(volume.name) state not written: \(error)")
        failed.withLock { _ = $0.insert(volume.name) }
      }
    }
    return failed.withLock { $0.sorted() }
  }

  /// The names of the volumes whose flush failed.
  private static func flush(
    _ volumes: [Volume], _ client: IOClient, _ logger: Logger
  ) -> [String] {
    let failed = ConditionLock<[String]>([])
    SideBySide.each(volumes.count) { index in
      let volume = volumes[index]
      do {
        try client.withLane { (lane) throws(Errno) in try volume.flush(on: lane) }.get()
      } catch {
        logger.error("volume=\(volume.name) last flush: \(error)")
        failed.withLock { $0.append(volume.name) }
      }
    }
    return failed.withLock { $0 }
  }
}

extension KernelTransport {
  init(_ choice: TransportChoice) {
    switch choice {
    case .auto, .dev: self = .device
    case .uring: self = .ring
    }
  }
}
