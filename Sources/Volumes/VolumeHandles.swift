internal import BlockIO

/// How an open handle reaches the volume's data, and what its holder may do.
public struct HandleKind: OptionSet, Sendable {
  public let rawValue: UInt64

  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// Past the kernel's page cache: every read and write comes here.
  public static let uncached = HandleKind(rawValue: 1)
  /// Opened for writing.
  public static let writable = HandleKind(rawValue: 2)
  /// May map the file for writing (O_RDWR).
  public static let mappable = HandleKind(rawValue: 4)
}

/// The open handles of one volume.
struct HandleCounts: Sendable {
  var cached = 0
  var uncached = 0
  var writable = 0
  /// Handles through which somebody may have mapped the file for writing.
  var mappable = 0
  /// Bytes of the one writer that lay past the end, and that it has not been told of.
  var overrunByteCount = 0
  /// The volume is no more in the mount.
  var isRemoved = false

  mutating func count(_ kind: HandleKind, _ change: Int) {
    if kind.contains(.uncached) { uncached += change } else { cached += change }
    if kind.contains(.writable) {
      writable += change
      // Whose it was cannot be told any more; fsync and close tell it.
      overrunByteCount = 0
    }
    if kind.contains(.mappable) { mappable += change }
  }
}

extension Volume {
  /// Decides how a new handle reaches the data.
  ///
  /// Direct writes run side by side only past the page cache as a whole, and then the kernel does
  /// not keep a page that somebody else's cached read brings in at the same moment from getting
  /// old. So the two kinds never meet: the first handle decides for those that are opened beside
  /// it.
  /// - Parameters:
  ///   - wantsDirect: the caller opened with O_DIRECT.
  ///   - isMappable: the handle may map the file for writing (O_RDWR).
  /// Returns nil for a volume that is no more in the mount.
  public func openHandle(
    wantsDirect: Bool, isWritable: Bool, isMappable: Bool
  ) -> HandleKind? {
    handles.withLock { handles in
      if handles.isRemoved { return nil }
      var kind: HandleKind = []
      if isWritable { kind.insert(.writable) }
      if isMappable { kind.insert(.mappable) }
      if cache == .none || handles.uncached > 0 || (wantsDirect && handles.cached == 0) {
        kind.insert(.uncached)
      }
      handles.count(kind, 1)
      return kind
    }
  }

  /// The last use of a handle is over, mappings included.
  public func closeHandle(_ kind: HandleKind) { handles.withLock { $0.count(kind, -1) } }

  /// Lets nobody open the volume any more; false while somebody has it open.
  public func remove() -> Bool {
    handles.withLock { handles in
      guard handles.cached == 0, handles.uncached == 0 else { return false }
      handles.isRemoved = true
      return true
    }
  }

  /// Takes ``remove()`` back.
  public func keep() { handles.withLock { $0.isRemoved = false } }

  /// Whether the kernel may hold data newer than what it has sent: somebody may have mapped the
  /// file for writing, or the kernel gathers writes. It sends all of it when a handle is closed.
  public var mayBeDirty: Bool {
    handles.withLock { (cache == .writeback ? $0.writable : $0.mappable) > 0 }
  }

  /// Bytes that the kernel had gathered lay past the end (rule F3).
  ///
  /// fsync and close tell it; who writes without end calls neither. So where one handle alone is
  /// open for writing, and much was lost, it is that one's next write that fails.
  public func noteOverrun(byteCount: Int) {
    handles.withLock { handles in
      if handles.writable == 1 { handles.overrunByteCount += byteCount }
    }
  }

  /// Much: more than what a few writes leave behind whose fsync has told it already.
  static let mostQuietOverrun = 4 << 20

  /// Whether a write has to be told.
  public var hasOverrun: Bool {
    handles.withLock { $0.overrunByteCount > Self.mostQuietOverrun }
  }

  /// The same, and then it counts as told.
  public func takeOverrun() -> Bool {
    handles.withLock { handles in
      guard handles.overrunByteCount > Self.mostQuietOverrun else { return false }
      handles.overrunByteCount = 0
      return true
    }
  }
}
