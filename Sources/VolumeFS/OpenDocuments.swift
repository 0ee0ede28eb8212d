internal import BlockIO
internal import CFUSE3
internal import Glibc
internal import Volumes

/// The open handles of the hidden directory's documents, and who waits for news. Any thread.
///
/// A handle reads one text from its start to its end, however often that changes meanwhile; reading
/// at the start again makes it anew. poll(2) says POLLPRI when something has changed since.
final class OpenDocuments: Sendable {
  private struct Handle {
    var text: [UInt8]?
    /// How many changes there had been when the text was made.
    var seenCount: UInt64
    var waiter: PollWaiter?
  }

  private struct State {
    var handles: [UInt64: Handle] = [:]
    var nextNumber: UInt64 = 1
    /// Changes so far.
    var changeCount: UInt64 = 0
  }

  private let state = ConditionLock(State())

  /// Returns the new handle's number.
  func open() -> UInt64 {
    state.withLock { state in
      let number = state.nextNumber
      state.nextNumber += 1
      state.handles[number] = Handle(seenCount: state.changeCount)
      return number
    }
  }

  func close(_ number: UInt64) { state.withLock { _ = $0.handles.removeValue(forKey: number) } }

  /// Bytes of a handle's text; none behind its end.
  ///
  /// - Parameter make: makes the text; no lock is held.
  func read(
    _ number: UInt64, at byteOffset: UInt64, byteCount: Int, _ make: () -> String
  ) -> ArraySlice<UInt8> {
    let kept = state.withLock { state -> [UInt8]? in
      if byteOffset == 0 { state.handles[number]?.seenCount = state.changeCount }
      return byteOffset == 0 ? nil : state.handles[number]?.text
    }
    let text = kept ?? Array(make().utf8)
    if kept == nil { state.withLock { $0.handles[number]?.text = text } }
    guard byteOffset < UInt64(text.count) else { return [] }
    return text[Int(byteOffset)...].prefix(byteCount)
  }

  /// Whether something has changed since the handle's text was made; if not, the waiter is woken
  /// by the next change.
  func hasNews(_ number: UInt64, orWake waiter: PollWaiter?) -> Bool {
    state.withLock { state in
      guard let handle = state.handles[number] else { return false }
      if handle.seenCount != state.changeCount { return true }
      if let waiter { state.handles[number]?.waiter = waiter }
      return false
    }
  }

  /// Something has changed. Never waits.
  func noteChange() {
    let waiters = state.withLock { state -> [PollWaiter] in
      state.changeCount += 1
      var waiters: [PollWaiter] = []
      for (number, handle) in state.handles {
        guard let waiter = handle.waiter else { continue }
        waiters.append(waiter)
        state.handles[number]?.waiter = nil
      }
      return waiters
    }
    for waiter in waiters { waiter.wake() }
  }
}

/// A poll(2) in the kernel that waits to be told.
@safe final class PollWaiter: @unchecked Sendable {
  // Sendable: libfuse notifies on any thread. Safe: the pointer is freed in deinit, never leaves.
  private let handle: OpaquePointer

  init(_ handle: OpaquePointer) { unsafe self.handle = unsafe handle }

  deinit { unsafe fuse_pollhandle_destroy(handle) }

  func wake() { unsafe _ = fuse_lowlevel_notify_poll(handle) }
}
