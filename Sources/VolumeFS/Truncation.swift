internal import BlockIO
internal import CFUSE3
internal import CLinux
internal import DMIO
internal import Glibc
internal import Volumes

extension VolumeFileSystem {
  /// Answers a SETATTR that cut a volume, so that the kernel forgets its cached pages behind the
  /// cut although the size stays (rule F2).
  ///
  /// Where no page can be dirty they are dropped before the answer. Otherwise the kernel would wait
  /// for itself to write them; then the answer shows the file as cut, which drops dirty pages too,
  /// for no time at all, and the true size is asked for, or set, right after.
  func answerTruncation(
    of volume: Volume, to byteCount: UInt64, _ attributes: stat, _ reply: consuming Reply
  ) {
    guard byteCount < volume.byteCount else {
      let number = fuse_ino_t(attributes.st_ino)
      return reply.attributes(
        attributes, validSeconds: validSeconds(of: .volume(volume), number: number))
    }
    if !volume.mayBeDirty, dropPages(number: fuse_ino_t(attributes.st_ino), from: byteCount) {
      return reply.attributes(attributes, validSeconds: Operations.validSeconds)
    }
    var cut = attributes
    cut.st_size = off_t(byteCount)
    if gathersWrites {
      restoreSize(of: volume, number: fuse_ino_t(attributes.st_ino))
      return reply.attributes(cut, validSeconds: 0)
    }
    reply.attributes(cut, validSeconds: 0)
    sizeRefresher.refresh(volume.name)
  }

  /// Makes the kernel drop its cached pages; false when it could not be told.
  private func dropPages(number: fuse_ino_t, from byteOffset: UInt64) -> Bool {
    // One worker at a time: a page may be locked by a read that another worker has to serve.
    let isMine = isDropping.withLock { isDropping in
      defer { isDropping = true }
      return !isDropping
    }
    guard isMine else { return false }
    CurrentWorker.worker?.lane.willWait?()
    defer { isDropping.withLock { $0 = false } }
    return notifyDropped(number: number, from: byteOffset)
  }
}

/// Makes the kernel ask for a volume's size, on a thread that serves no requests.
final class SizeRefresher: Sendable {
  private struct State {
    var paths: [String] = []
    var thread: IOThread?
    var isEnding = false
  }

  private let state = ConditionLock(State())
  private let mountPoint = ConditionLock("")

  /// - Parameter mountPoint: absolute.
  func begin(mountPoint path: String) { mountPoint.withLock { $0 = path } }

  func refresh(_ name: String) {
    let path = mountPoint.withLock { $0 } + "/" + name
    state.withLock { state in
      state.paths.append(path)
      if state.thread == nil { state.thread = IOThread(name: "mirrorfs-size") { self.run() } }
    }
    state.wakeAll()
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
    while let path = next() { ask(path) }
  }

  /// The kernel takes our answer in when the caller of the truncation runs again, and holds the
  /// file's lock until then: a seek waits for that lock; only then is the size worth asking for.
  private func ask(_ path: String) {
    let descriptor = unsafe linux_open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0)
    defer { if descriptor >= 0 { close(descriptor) } }
    if descriptor < 0 {
      // Not ours to read: then a wait has to do.
      usleep(10_000)
    } else {
      _ = lseek(descriptor, 0, linux_SEEK_DATA)
    }
    var status = stat()
    unsafe _ = stat(path, &status)
  }

  private func next() -> String? {
    state.wait { state -> String?? in
      if state.isEnding { return .some(nil) }
      return state.paths.isEmpty ? nil : .some(state.paths.removeFirst())
    }
  }
}
