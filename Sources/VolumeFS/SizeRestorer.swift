internal import BlockIO
internal import CFUSE3
internal import CLinux
internal import DMIO
internal import Glibc
internal import Volumes

extension VolumeFileSystem {
  /// Writes a part of what the kernel had gathered that crosses the end of the volume or lies
  /// behind it (rule F3).
  ///
  /// The kernel has let the writer go past the end, and takes the file for larger. It passes the
  /// error on to fsync and close, and does not mind a short count: only an error will do.
  func noteOverrun(of volume: Volume, number: UInt64, byteCount: Int) {
    volume.noteOverrun(byteCount: byteCount)
    restoreSize(of: volume, number: number)
    notifyAttributes(number: number)
  }

  /// Has the kernel's idea of the size set right; until that is done, who asks for it waits.
  func restoreSize(of volume: Volume, number: UInt64) {
    sizeRestorer.restore(
      SizeRestorer.Job(number: number, name: volume.name, byteCount: volume.byteCount))
  }

  /// How long the kernel may keep attributes: not at all as long as its size is wrong, or a
  /// writer has to be told something when it asks.
  func validSeconds(of inode: Inode, number: UInt64) -> Double {
    guard gathersWrites, case .volume(let volume) = inode else { return inode.validSeconds }
    let isSettled = !sizeRestorer.isAtWork(on: number) && !volume.hasOverrun
    return isSettled ? inode.validSeconds : 0
  }

  /// Before attributes are answered.
  func waitForSize(number: UInt64, caller: pid_t) {
    guard sizeRestorer.isAtWork(on: number) else { return }
    CurrentWorker.worker?.lane.willWait?()
    sizeRestorer.wait(for: number, caller: caller)
  }
}

/// Sets right what the kernel takes for a volume's size where it gathers writes, and so believes
/// nobody but itself: truncates to the true size, on a thread that serves no requests.
final class SizeRestorer: Sendable {
  struct Job: Sendable {
    let number: UInt64
    let name: String
    let byteCount: UInt64
  }

  private struct State {
    /// The one that is being done comes first.
    var jobs: [Job] = []
    /// Whether the first one has been begun, so that the same is to be done once more after it.
    var isBusy = false
    var thread: IOThread?
    /// Its number, as requests have it.
    var threadID: pid_t = 0
    var isEnding = false
    var mountPoint = ""
    var device: dev_t = 0
  }

  /// The most that somebody waits: a leg may hang.
  private static let mostMilliseconds = 2000

  private let state = ConditionLock(State())

  /// - Parameter mountPoint: absolute; the mount answers.
  func begin(mountPoint: String) {
    var status = stat()
    guard unsafe stat(mountPoint, &status) == 0 else { return }
    state.withLock { ($0.mountPoint, $0.device) = (mountPoint, status.st_dev) }
  }

  func restore(_ job: Job) {
    state.withLock { state in
      if state.isEnding { return }
      let waiting = state.isBusy ? state.jobs.dropFirst() : state.jobs[...]
      if waiting.contains(where: { $0.number == job.number }) { return }
      state.jobs.append(job)
      if state.thread == nil { state.thread = IOThread(name: "mirrorfs-size") { self.run() } }
    }
    state.wakeAll()
  }

  func isAtWork(on number: UInt64) -> Bool {
    state.withLock { $0.jobs.contains { $0.number == number } }
  }

  /// Returns when the size is right, or at once on the thread that sets it.
  func wait(for number: UInt64, caller: pid_t) {
    _ = state.wait(atMostMilliseconds: Self.mostMilliseconds) { state -> Bool? in
      let isDone = state.isEnding || caller == state.threadID
      return isDone || !state.jobs.contains { $0.number == number } ? true : nil
    }
  }

  /// Ends the thread; called when the mount is gone.
  func end() {
    let thread = state.withLock { state in
      state.isEnding = true
      return state.thread
    }
    state.wakeAll()
    thread?.join()
  }

  private func run() {
    state.withLock { $0.threadID = linux_thread_number() }
    while let job = next() {
      set(job)
      state.withLock { state in
        state.jobs.removeFirst()
        state.isBusy = false
      }
      state.wakeAll()
    }
  }

  private func next() -> Job? {
    state.wait { state -> Job?? in
      if state.isEnding { return .some(nil) }
      guard let job = state.jobs.first else { return nil }
      state.isBusy = true
      return job
    }
  }

  /// Waits, in the kernel, for the file's lock and for its writes under way.
  private func set(_ job: Job) {
    let (mountPoint, device) = state.withLock { ($0.mountPoint, $0.device) }
    // A handle that opens nothing: no request, and nobody's count of handles is changed by it.
    let descriptor = unsafe linux_open(
      "\(mountPoint)/\(job.name)", linux_O_PATH | O_NOFOLLOW | O_CLOEXEC, 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var status = stat()
    // After a lazy unmount the path leads elsewhere.
    guard unsafe fstat(descriptor, &status) == 0, status.st_dev == device,
      status.st_ino == ino_t(job.number)
    else { return }
    unsafe _ = truncate("/proc/self/fd/\(descriptor)", off_t(job.byteCount))
  }
}
