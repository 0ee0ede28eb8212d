internal import BlockIO
internal import Glibc

/// A request on its way to the thread that starts it.
struct PendingRequest: @unchecked Sendable {
  // Sendable: regions and memory belong to the request until it has ended.
  let request: IORequest
  let notify: @Sendable (IOResult) -> Void
}

/// The thread that starts and ends the asynchronous requests of one client.
///
/// It starts with the first request and owns a lane, so the requests of any number of threads are
/// under way at once while only this one touches the backend.
final class AsyncDispatcher: Sendable {
  /// A lane whose `wake()` other threads may call.
  private struct Door: @unchecked Sendable {
    // Sendable: only `wake()` is called from outside the dispatcher's thread.
    let lane: IOLane
  }

  private struct State {
    var inbox: [PendingRequest] = []
    var door: Door?
    var thread: IOThread?
    var isEnding = false
  }

  private let backend: any Backend
  private let watch: DeadlineWatch
  private let memory: PageMapping?
  private let state = ConditionLock(State())

  init(backend: any Backend, watch: DeadlineWatch, memory: PageMapping?) {
    self.backend = backend
    self.watch = watch
    self.memory = memory
  }

  /// Queues a request that has passed validation. Any thread.
  func start(_ pending: PendingRequest) {
    let door = state.withLock { state -> Door? in
      state.inbox.append(pending)
      if state.thread == nil { state.thread = IOThread(name: "dmio-async") { self.run() } }
      return state.door
    }
    if let door { door.lane.wake() } else { state.wakeAll() }
  }

  /// Lets what is under way end, and then the thread. Called once, by the client's deinit.
  ///
  /// The last reference to a client may go in one of its own notify functions, on this very
  /// thread, which cannot wait for itself: then it is left to end alone.
  func end() {
    let (thread, door) = state.withLock { state -> (IOThread?, Door?) in
      state.isEnding = true
      return (state.thread, state.door)
    }
    if let door { door.lane.wake() } else { state.wakeAll() }
    if thread?.isCurrent == true { thread?.detach() } else { thread?.join() }
  }

  private func run() {
    let lane: IOLane
    do throws(IORequestError) {
      lane = try IOLane(backend: backend, isBoundToThread: true, watch: watch, memory: memory)
    } catch {
      refuseAll(error)
      return
    }
    let door = Door(lane: lane)
    state.withLock { $0.door = door }
    while true {
      switch startArrived(on: lane) {
      // Hands everything over before the wait, which is then for nothing that this thread has to do
      // itself; and the wake-up of a request that arrived meanwhile may be used up already.
      case .some: lane.poll(waiting: false)
      case .nothing: lane.poll(waiting: true)
      case .end:
        guard lane.underWay > 0 else { return }
        lane.poll(waiting: true)
      }
    }
  }

  private enum Arrival { case some, nothing, end }

  /// Starts what is in the inbox. Nothing of it is held on return: a notify function holds its
  /// client, and that must not live on because this thread waits.
  private func startArrived(on lane: IOLane) -> Arrival {
    let (arrived, isEnding) = state.withLock { state -> ([PendingRequest], Bool) in
      defer { state.inbox.removeAll(keepingCapacity: true) }
      return (state.inbox, state.isEnding)
    }
    for pending in arrived {
      do throws(IORequestError) {
        try lane.start(pending.request, notify: pending.notify)
      } catch {
        preconditionFailure("the request has passed validation")
      }
    }
    return arrived.isEmpty ? (isEnding ? .end : .nothing) : .some
  }

  /// Whether the caller runs on the dispatcher's thread, that is, in a notify function.
  var isCurrent: Bool { state.withLock { $0.thread }?.isCurrent ?? false }

  /// Without a lane every request fails as if each of its regions had: nothing waits for ever.
  private func refuseAll(_ error: IORequestError) {
    var errno = Errno.ioError
    if case .noQueue(let refusal) = error { errno = refusal }
    while true {
      let arrived = state.wait { state -> [PendingRequest]? in
        guard !state.inbox.isEmpty || state.isEnding else { return nil }
        defer { state.inbox.removeAll() }
        return state.inbox
      }
      if arrived.isEmpty { return }
      for pending in arrived {
        var result = IOResult()
        for index in unsafe 0..<pending.request.regions.count {
          result.noteFailure(region: index, errno, time: nil)
        }
        pending.notify(result)
      }
    }
  }
}
