public import BlockIO
internal import CFUSE3
internal import CLinux
public import DMIO
internal import FuseRing
internal import Glibc
internal import Synchronization
public import Volumes

/// How the kernel's requests arrive.
public enum KernelTransport: Sendable {
  /// Read from /dev/fuse, one by one.
  case device
  /// Over io_uring, where the kernel has that; else as `device`.
  case ring
}

/// A mount: the kernel's requests on one side, the volumes on the other.
///
/// Lifetime: ``mount(at:options:)``, ``serve()``, which returns when the mount is gone, and then
/// the last reference may go. Requests are served by plain threads; the one that reads a request
/// does its I/O and answers it, but for what comes over io_uring and may wait (``RingListener``).
@safe public final class VolumeFileSystem: @unchecked Sendable {
  // Sendable: `session` is written by mount(at:), before any other thread knows this object, and by
  // destroy(), after all of them have ended. Safe: the pointer never leaves.

  /// Most bytes of one READ or WRITE.
  public static let mostTransferByteCount = 1 << 20

  /// Why ``mount(at:options:)`` failed.
  public enum MountError: Error, Sendable {
    /// /dev/fuse may not be opened.
    case noDevice(Errno)
    /// libfuse refused the options, or the kernel the mount; libfuse has said why on stderr.
    case refused
  }

  /// Tables live as long as the process: any request may still look into an older one.
  private let currentTable: Atomic<Unmanaged<VolumeTable>>
  /// The volumes that there are now.
  public var table: VolumeTable {
    unsafe currentTable.load(ordering: .acquiring).takeUnretainedValue()
  }
  let client: IOClient
  let owner: MountOwner
  let negotiation: Negotiation
  let gate: WorkerGate
  private let ringOpening = RingOpening(queueCount: RingQueue.count())
  private let ringWorkers = ConditionLock<RingWorkers<RingJob>?>(nil)
  let sizeRefresher = SizeRefresher()
  let documents = OpenDocuments()
  let sizeRestorer = SizeRestorer()
  /// Whether the kernel gathers writes: it then trusts its own idea of every volume's size.
  public let gathersWrites: Bool
  /// Whether a worker is just making the kernel drop pages.
  let isDropping = ConditionLock(false)
  private let threadCount: Int
  private struct Crew {
    var workerCount = 0
    /// Those of them that wait for a leg that hangs, and for the end of the process.
    var hungCount = 0
  }
  private let crew = ConditionLock(Crew())
  /// Listeners at most where legs are devices.
  private static let listenersForDevices = 32
  /// Workers that there may be, busy and waiting ones together.
  public static let mostWorkers = 256
  private var session: OpaquePointer?
  private let mountPoint = ConditionLock<String?>(nil)
  /// Where; nil before ``mount(at:options:)``.
  var mountedAt: String? { mountPoint.withLock { $0 } }

  /// - Parameters:
  ///   - client: its pool must have a slot for each thread.
  ///   - threadCount: threads that serve requests at first, 1 or more; there are more, up to
  ///     ``mostWorkers``, when all of them wait for legs.
  ///   - isForOwner: others than whom the process runs as, and root, may not enter the directory.
  public init(
    table: VolumeTable, client: IOClient, threadCount: Int, transport: KernelTransport = .device,
    isForOwner: Bool = false
  ) {
    owner = MountOwner(folderMode: isForOwner ? 0o500 : 0o555)
    // Each of the kernel's queues takes a thread.
    let mayHaveRing = RingQueue.count() <= Self.mostWorkers / 2 && RingQueue.refusal() == nil
    negotiation = Negotiation(wantsRing: transport == .ring && mayHaveRing)
    unsafe currentTable = unsafe Atomic(Unmanaged.passRetained(table))
    gathersWrites = table.volumes.contains { $0.cache == .writeback && !$0.isReadOnly }
    self.client = client
    self.threadCount = max(1, threadCount)
    // Twice the processors measured best: with fewer, the kernel often finds nobody awake.
    gate = WorkerGate(mostListeners: 2 * max(2, sysconf(CInt(_SC_NPROCESSORS_ONLN))))
    listen(to: table.volumes)
  }

  deinit { destroy() }

  /// Mounts; requests wait until ``serve()`` runs.
  ///
  /// - Parameter options: words of `-o` that libfuse or the kernel understand.
  public func mount(at mountPoint: String, options: [String]) throws(MountError) {
    guard unsafe faccessat(AT_FDCWD, "/dev/fuse", R_OK | W_OK, AT_EACCESS) == 0 else {
      throw .noDevice(Errno.last)
    }
    let words = ["mirrorfs", "-o" + (["default_permissions"] + options).joined(separator: ",")]
    var arguments = unsafe fuse_args(argc: CInt(words.count), argv: nil, allocated: 0)
    let made = unsafe withArgumentVector(words) { pointers -> OpaquePointer? in
      unsafe arguments.argv = unsafe pointers
      var operations = Operations.table
      return unsafe mirrorfs_session_new(
        &arguments, &operations, Unmanaged.passUnretained(self).toOpaque())
    }
    // libfuse may have copied the words when it took some of them out.
    if unsafe arguments.allocated != 0 { unsafe fuse_opt_free_args(&arguments) }
    guard let made = unsafe made else { throw .refused }
    unsafe session = unsafe made
    guard unsafe fuse_session_mount(made, mountPoint) == 0 else {
      destroy()
      throw .refused
    }
    sizeRefresher.begin(mountPoint: mountPoint)
    self.mountPoint.withLock { $0 = mountPoint }
    unsafe negotiation.patchReplies(of: made)
  }

  /// Waits until the kernel and we have agreed on the protocol: then the mount is ready.
  ///
  /// Some other thread must be in ``serve()``. Returns how requests arrive.
  public func waitUntilReady() -> KernelTransport {
    negotiation.waitUntilDone()
    let hasRing = negotiation.hasRing && ringOpening.waitUntilOpen() == nil
    if gathersWrites, let mountPoint = mountedAt {
      sizeRestorer.begin(mountPoint: mountPoint)
    }
    return hasRing ? .ring : .device
  }

  /// Serves requests until the mount is gone, and returns when every thread has ended but those
  /// that a hung leg holds: see ``isHung``.
  public func serve() {
    guard let session = unsafe session else { return }
    gate.whenExhausted.withLock { $0 = { [unowned self] in addWorker() } }
    for _ in 0..<threadCount { addWorker() }
    crew.wait { $0.workerCount == $0.hungCount ? () : nil }
    gate.whenExhausted.withLock { $0 = nil }
    sizeRefresher.end()
    sizeRestorer.end()
    unsafe fuse_session_unmount(session)
  }

  /// Whether a thread still waits for a leg that hangs: then this object must outlive the process.
  public var isHung: Bool { crew.withLock { $0.hungCount > 0 } }

  /// Whether as many requests wait for legs as there may be workers, so that nobody listens.
  public var isWaitingForLegs: Bool {
    let isNobodyLeft = gate.hasNoListener || ringWorkers.withLock { $0?.isExhausted ?? false }
    return isNobodyLeft
      && crew.withLock { $0.workerCount >= max(Self.mostWorkers, threadCount) }
  }

  /// Starts one more worker; none past the most.
  ///
  /// So many requests wait for legs that none is left to listen: those of other volumes must not
  /// wait for the same legs (rule M12).
  func addWorker() {
    _ = startThread { [self] door in
      // Buffers and lane are made when the thread is first needed.
      guard gate.enter() else { return }
      let worker = makeWorker { [gate] in gate.noteWaiting() }
      CurrentWorker.set(worker) { DeviceLoop(worker: worker, door: door).run() }
    }
  }

  /// Takes seats at the kernel's queues; from then on requests come there.
  func openRing() {
    let workers = RingWorkers<RingJob> { [unowned self] in addRingWorker() }
    ringWorkers.withLock { $0 = workers }
    for number in 0..<RingQueue.count() {
      let isStarted = startThread(name: "mirrorfs-listen") { [self] door in
        let queue: RingQueue
        do throws(Errno) {
          queue = try RingQueue(
            descriptor: door.descriptor, number: number,
            payloadByteCount: WorkerMemory.byteCount - WorkerMemory.pageByteCount)
          try queue.addSeat()
        } catch {
          // The kernel goes back to /dev/fuse with the first refusal.
          return ringOpening.note(error)
        }
        ringOpening.note(nil)
        let server = RingServer(worker: makeWorker {}, door: door)
        CurrentWorker.set(server.worker) {
          RingListener(server: server, queue: queue, workers: workers).run()
        }
      }
      if !isStarted { ringOpening.note(.wouldBlock) }
    }
  }

  /// Starts a thread for requests that have come over io_uring and may wait; false at the most.
  private func addRingWorker() -> Bool {
    guard let workers = ringWorkers.withLock({ $0 }) else { return false }
    return startThread { [self] door in
      let server = RingServer(worker: makeWorker {}, door: door)
      CurrentWorker.set(server.worker) {
        server.serve(workers)
      }
    }
  }

  private func makeWorker(_ willWait: @escaping () -> Void) -> Worker {
    do throws(IORequestError) {
      return try Worker(fileSystem: self, willWait: willWait)
    } catch {
      preconditionFailure("no lane for a thread that serves requests: \(error)")
    }
  }

  /// Starts a thread that serves requests, unless there are enough.
  private func startThread(
    name: String = "mirrorfs-worker", _ body: @escaping @Sendable (SessionDoor) -> Void
  ) -> Bool {
    guard let session = unsafe session else { return false }
    let door = unsafe SessionDoor(session: session)
    let isWanted = crew.withLock { crew -> Bool in
      guard crew.workerCount < max(Self.mostWorkers, threadCount) else { return false }
      crew.workerCount += 1
      return true
    }
    guard isWanted else { return false }
    IOThread(name: name) {
      body(door)
      self.crew.withLock { $0.workerCount -= 1 }
      self.crew.wakeAll()
    }.detach()
    return true
  }

  /// A worker will not end before its leg answers.
  func noteHung() {
    crew.withLock { $0.hungCount += 1 }
    crew.wakeAll()
  }

  /// Makes ready for volumes: enough listeners for their legs, and an ear for what the kernel has
  /// read of them and must drop, because it was not what the legs hold.
  private func listen(to volumes: [Volume]) {
    for volume in volumes {
      // A worker that has waited for a device goes straight back to the kernel: to wait in reserve
      // would be one change of threads more. In memory so many listeners cost a tenth and more.
      if volume.hasDirectLegs { gate.raise(toListeners: Self.listenersForDevices) }
      volume.whenContentsChanged.withLock { onChange in
        onChange = { [weak self, name = volume.name] in
          guard let self, let number = table.number(of: name) else { return }
          _ = notifyDropped(number: Inode.number(ofVolume: number), from: 0)
        }
      }
    }
  }

  /// Puts other volumes in the place of those that there are. Requests under way may still meet
  /// a volume that is removed: retire its mirror afterwards.
  public func change(adding added: [Volume], removing removed: [Volume]) {
    listen(to: added)
    let old = table
    let new = old.changed(adding: added, removing: removed)
    unsafe currentTable.store(Unmanaged.passRetained(new), ordering: .releasing)
    guard let session = unsafe session else { return }
    for volume in removed {
      unsafe _ = fuse_lowlevel_notify_inval_entry(
        session, fuse_ino_t(mirrorfs_root), volume.name, volume.name.utf8.count)
    }
  }

  /// Wakes whoever polls `.mirrorfs/status.json`. Never waits; any thread.
  public func noteStateChange() { documents.noteChange() }

  /// Makes the kernel ask for a volume's owner and mode again.
  public func noteChange(of volume: Volume) {
    guard let number = table.number(of: volume.name) else { return }
    notifyAttributes(number: Inode.number(ofVolume: number))
  }

  /// Makes the kernel ask for the attributes before it uses them again.
  func notifyAttributes(number: UInt64) {
    guard let session = unsafe session else { return }
    unsafe _ = fuse_lowlevel_notify_inval_inode(session, number, -1, 0)
  }

  /// Tells the kernel that a file's contents changed from `byteOffset` on.
  func notifyDropped(number: UInt64, from byteOffset: UInt64) -> Bool {
    guard let session = unsafe session else { return false }
    return unsafe fuse_lowlevel_notify_inval_inode(session, number, off_t(byteOffset), 0) == 0
  }

  private func destroy() {
    guard let made = unsafe session else { return }
    unsafe fuse_session_destroy(made)
    unsafe session = nil
  }
}

/// What every worker needs of libfuse's session.
@safe struct SessionDoor: @unchecked Sendable {
  // Sendable: libfuse serves a session's requests on any thread; the session outlives the workers.
  // Safe: the pointer stays in here.
  private let session: OpaquePointer
  let descriptor: CInt

  init(session: OpaquePointer) {
    unsafe self.session = unsafe session
    descriptor = unsafe fuse_session_fd(session)
  }

  /// Hands a whole request to libfuse, which calls one of ``Operations`` on this thread.
  func process(_ message: UnsafeMutableRawBufferPointer) {
    var buffer = unsafe fuse_buf()
    unsafe buffer.mem = message.baseAddress
    unsafe buffer.size = message.count
    unsafe fuse_session_process_buf(session, &buffer)
  }
}
