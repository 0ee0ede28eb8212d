internal import Glibc

/// Refuses what the kernel cannot keep of the key `cache`.
enum CacheCheck {
  /// Whether writes are gathered is agreed once for a mount: all of its volumes that are cached
  /// must be of one mind.
  static func report(_ volumes: [VolumeDraft], to log: ProblemLog) {
    guard let gathering = volumes.first(where: { $0.cache.value == .writeback }) else { return }
    for volume in volumes where !volume.readOnly {
      switch volume.cache {
      case .absent, .given(.writethrough, _):
        log.report(
          volume.cache.mark ?? volume.mark,
          "volume \(Quoted(volume.name)) is 'cache: writethrough'"
            + "\(volume.cache.isAbsent ? " (the default)" : ""), but \(Quoted(gathering.name)) of "
            + "this mount is 'cache: writeback', and the kernel has one choice for a mount; write "
            + "'cache: writeback' or 'cache: none' here, or put it into a config of its own")
      case .given(.writeback, let mark): checkOwner(of: volume, mark, log)
      case .given(.none, _), .broken: break
      }
    }
  }

  /// After a write past the end this process sets the size right, as any other process would.
  private static func checkOwner(of volume: VolumeDraft, _ mark: SourceMark, _ log: ProblemLog) {
    let isAllowed = (volume.owner ?? geteuid()) == geteuid() && volume.mode & S_IWUSR != 0
    if geteuid() == 0 || isAllowed { return }
    log.report(
      mark,
      "'cache: writeback' needs a volume that the mounting user may write; leave 'owner' out and "
        + "let 'mode' allow the owner to write, or leave 'cache' out")
  }
}
