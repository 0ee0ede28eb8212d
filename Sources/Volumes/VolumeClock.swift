internal import Glibc
internal import Synchronization

/// The times of a volume, in nanoseconds since 1970; kept in memory only. Any thread.
final class VolumeClock: Sendable {
  private let modified: Atomic<Int64>
  private let accessed: Atomic<Int64>

  init() {
    let now = Self.now()
    modified = Atomic(now)
    accessed = Atomic(now)
  }

  var modificationTime: Int64 { modified.load(ordering: .relaxed) }
  var accessTime: Int64 { accessed.load(ordering: .relaxed) }

  func noteWrite() { modified.store(Self.now(), ordering: .relaxed) }
  func setModified(_ time: Int64?) { modified.store(time ?? Self.now(), ordering: .relaxed) }
  func setAccessed(_ time: Int64?) { accessed.store(time ?? Self.now(), ordering: .relaxed) }

  /// The coarse clock: a file's times need no more, and it costs a few nanoseconds.
  private static func now() -> Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME_COARSE, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

extension Volume {
  /// Nanoseconds since 1970 of the last change of contents.
  public var modificationTime: Int64 { clock.modificationTime }
  /// Nanoseconds since 1970, as last set by a caller; reads do not change it.
  public var accessTime: Int64 { clock.accessTime }

  /// Sets the times that a caller asked for; nil is now.
  public func setModificationTime(_ time: Int64?) { clock.setModified(time) }
  public func setAccessTime(_ time: Int64?) { clock.setAccessed(time) }
}
