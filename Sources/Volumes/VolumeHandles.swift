internal import BlockIO

/// How an open handle reaches the volume's data.
public enum HandleKind: UInt64, Sendable {
  /// Through the kernel's page cache.
  case cached = 0
  /// Past it: every read and write comes here.
  case uncached = 1
}

/// The open handles of one volume.
struct HandleCounts: Sendable {
  var cached = 0
  var uncached = 0
  /// Handles through which somebody may have mapped the file for writing.
  var mappable = 0
  /// The volume is no more in the mount.
  var isRemoved = false
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
  public func openHandle(wantsDirect: Bool, isMappable: Bool) -> HandleKind? {
    handles.withLock { handles in
      if handles.isRemoved { return nil }
      if isMappable { handles.mappable += 1 }
      if handles.uncached > 0 || (wantsDirect && handles.cached == 0) {
        handles.uncached += 1
        return .uncached
      }
      handles.cached += 1
      return .cached
    }
  }

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

  /// The last use of a handle is over, mappings included.
  public func closeHandle(_ kind: HandleKind, isMappable: Bool) {
    handles.withLock { handles in
      if isMappable { handles.mappable -= 1 }
      switch kind {
      case .cached: handles.cached -= 1
      case .uncached: handles.uncached -= 1
      }
    }
  }

  /// Whether somebody may have mapped the file for writing, so that the kernel may hold newer data.
  public var mayBeMapped: Bool { handles.withLock { $0.mappable > 0 } }
}
