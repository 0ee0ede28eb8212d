import BlockIO
import Testing

@testable import VolumeFS

@Suite("Workers in reserve")
struct WorkerGateTests {
  /// Requests that wait for each other, as legs that hang make them wait.
  private struct State {
    var requestCount = 0
    var waitingCount = 0
    var servedCount = 0
    var isClosed = false
  }

  @Test("As many requests as there are workers can wait at once, again and again")
  func everybodyIsWoken() {
    let (workerCount, roundCount) = (8, 200)
    let gate = WorkerGate(mostListeners: 2)
    let kernel = ConditionLock(State())
    let workers = (0..<workerCount).map { index in
      IOThread(name: "worker-\(index)") {
        while gate.enter() {
          let hasRequest = kernel.wait { state -> Bool? in
            if state.isClosed { return false }
            guard state.requestCount > 0 else { return nil }
            state.requestCount -= 1
            return true
          }
          gate.leave()
          guard hasRequest else { return gate.close() }
          gate.noteWaiting()
          // Nobody goes on before all workers have a request.
          kernel.withLock { $0.waitingCount += 1 }
          kernel.wakeAll()
          _ = kernel.wait { $0.waitingCount >= workerCount ? true : nil }
          kernel.withLock { $0.servedCount += 1 }
          kernel.wakeAll()
        }
      }
    }
    var isDone = true
    for round in 1...roundCount where isDone {
      kernel.withLock { state in
        state.waitingCount = 0
        state.requestCount = workerCount
      }
      kernel.wakeAll()
      isDone =
        kernel.wait(atMostMilliseconds: 20_000) { state in
          state.servedCount == round * workerCount ? true : nil
        } ?? false
    }
    #expect(isDone, "a request waits, and nobody listens")
    kernel.withLock { state in
      state.isClosed = true
      state.waitingCount = workerCount
    }
    kernel.wakeAll()
    gate.close()
    for worker in workers { worker.join() }
  }
}
