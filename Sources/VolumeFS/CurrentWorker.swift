internal import Glibc

/// Which worker the calling thread is.
///
/// libfuse calls ``Operations`` on the worker's own thread, but passes on nothing of it; the
/// request's I/O belongs on that worker's lane.
enum CurrentWorker {
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    let failed = unsafe pthread_key_create(&key, nil)
    precondition(failed == 0, "no key for a thread's own worker")
    return key
  }()

  /// Nil on a thread that is no worker.
  static var worker: Worker? {
    unsafe pthread_getspecific(key).map {
      unsafe Unmanaged<Worker>.fromOpaque($0).takeUnretainedValue()
    }
  }

  /// Runs `body` with `worker` as the calling thread's own; the caller keeps it alive.
  static func set(_ worker: Worker, while body: () -> Void) {
    unsafe pthread_setspecific(key, Unmanaged.passUnretained(worker).toOpaque())
    body()
    pthread_setspecific(key, nil)
  }
}
