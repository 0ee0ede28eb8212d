internal import BlockIO
internal import Glibc

/// A volume as written, before anything has looked at its legs.
struct VolumeDraft {
  let name: String
  /// Where the name stands.
  let mark: SourceMark
  /// Sectors, at least one.
  let size: Setting<UInt64>
  /// As many as were written; nil for one that is no mapping.
  let legs: [LegDraft?]
  let readPolicy: ReadPolicyChoice
  let writeQuorum: Int
  let mode: UInt32
  /// Nil: whom the mount runs as.
  let owner: UInt32?
  let group: UInt32?
  let truncate: TruncateChoice
  let readOnly: Bool
  let initialSync: InitialSyncWord
  let intent: IntentWord
  /// Sectors.
  let chunk: UInt64
  /// Bytes a second; 0: no limit.
  let resyncRate: UInt64
  let onNoSpace: NoSpaceChoice
  let onAllFailed: AllFailedChoice
  let cache: Setting<CacheChoice>

  /// The unit of the intent map when `chunk` is left out: 4 MiB.
  static let usualChunk: UInt64 = 8192
  static let maximumLegs = 64
  private static let advice = "write 'legs:' with a list of '- path: FILE-OR-DEVICE' below it"

  /// Nil when the node is no mapping; what is wrong has been reported.
  ///
  /// Never inlined: the optimizer of Swift 6.3.1 crashes ("Found ownership error") when it is.
  @inline(never)
  init?(_ name: String, _ mark: SourceMark, _ node: ConfigNode, paths: PathBase, log: ProblemLog) {
    Self.checkName(name, mark, log)
    guard
      let keys = MappingReader(
        node, schema: .volume, advice: Self.advice, log: log)
    else { return nil }
    self.name = name
    self.mark = mark
    size = Self.size(keys)
    legs = Self.legs(keys, at: mark, paths)
    readPolicy = keys.choice("read_policy", ReadPolicyChoice.self).value(or: .primary)
    writeQuorum = Self.writeQuorum(keys, legCount: legs.count)
    mode = AccessRights.mode(keys)
    owner = AccessRights.owner(keys)
    group = AccessRights.group(keys)
    truncate = keys.choice("truncate", TruncateChoice.self).value(or: .zero)
    readOnly = keys.flag("read_only").value(or: false)
    initialSync = keys.choice("initial_sync", InitialSyncWord.self).value(or: .verify)
    intent = keys.choice("intent", IntentWord.self).value(or: .durable)
    chunk = Self.chunk(keys)
    resyncRate = Self.resyncRate(keys)
    onNoSpace = keys.choice("on_no_space", NoSpaceChoice.self).value(or: .stale)
    onAllFailed = keys.choice("on_all_failed", AllFailedChoice.self).value(or: .error)
    cache = keys.choice("cache", CacheChoice.self)
    checkCreation(keys)
  }

  private static func checkName(_ name: String, _ mark: SourceMark, _ log: ProblemLog) {
    let advice = "write a plain file name of 1 to 255 bytes, such as db.img"
    if name.isEmpty {
      log.report(mark, "a volume name is empty; \(advice)")
    } else if name.utf8.contains(0x2F) {
      log.report(mark, "the volume name \(Quoted(name)) holds a '/'; \(advice)")
    } else if name.utf8.contains(0) {
      log.report(mark, "the volume name \(Quoted(name)) holds a NUL; \(advice)")
    } else if name.utf8.count > 255 {
      log.report(mark, "the volume name is \(name.utf8.count) bytes long; \(advice)")
    } else if [".", "..", ".mirrorfs"].contains(name) {
      log.report(mark, "the volume name \(Quoted(name)) is reserved; \(advice)")
    }
  }

  private static func size(_ keys: MappingReader) -> Setting<UInt64> {
    keys.written("size", "a size with a unit, such as 100MiB").flatMap { written, mark in
      switch SectorAmount.read(written.0, bareIsSectors: false) {
      case .sectors(let sectors) where sectors > 0: return sectors
      case .sectors:
        keys.log.report(
          mark, "'size' is 0; write at least 512B, or leave it out to use all of the legs")
      case .wrong(let problem):
        keys.log.report(mark, "'size': \(problem)")
      }
      return nil
    }
  }

  private static func chunk(_ keys: MappingReader) -> UInt64 {
    let wanted = "a power of two from 64KiB to 1GiB, such as 4MiB"
    return keys.written("chunk", wanted).flatMap { written, mark -> UInt64? in
      switch SectorAmount.read(written.0, bareIsSectors: false) {
      case .sectors(let sectors)
      where sectors.nonzeroBitCount == 1 && (128...2_097_152).contains(sectors):
        return sectors
      case .sectors: keys.log.report(mark, "'chunk' must be \(wanted)")
      case .wrong(let problem): keys.log.report(mark, "'chunk': \(problem)")
      }
      return nil
    }.value(or: usualChunk)
  }

  private static func resyncRate(_ keys: MappingReader) -> UInt64 {
    let wanted = "an amount a second, such as 100MiB, or 0B for no limit"
    return keys.written("resync_rate", wanted).flatMap { written, mark -> UInt64? in
      switch SectorAmount.read(written.0, bareIsSectors: false) {
      case .sectors(let sectors): return sectors * UInt64(sectorByteCount)
      case .wrong(let problem): keys.log.report(mark, "'resync_rate': \(problem)")
      }
      return nil
    }.value(or: 0)
  }

  private static func legs(
    _ keys: MappingReader, at mark: SourceMark, _ paths: PathBase
  ) -> [LegDraft?] {
    guard let node = keys.node("legs") else {
      if keys.isMistyped("legs") { return [] }
      keys.log.report(mark, "the volume has no legs; \(advice)")
      return []
    }
    guard let items = node.items else {
      keys.log.report(node.mark, "'legs' must be a list, but this is \(node.inWords); \(advice)")
      return []
    }
    if items.isEmpty { keys.log.report(node.mark, "'legs' is empty; \(advice)") }
    if items.count > maximumLegs {
      keys.log.report(
        items[maximumLegs].mark,
        "a volume has at most \(maximumLegs) legs, but this has \(items.count); remove "
          + "\(items.count - maximumLegs)")
    }
    return items.prefix(maximumLegs).map { LegDraft($0, paths: paths, log: keys.log) }
  }

  private static func writeQuorum(_ keys: MappingReader, legCount: Int) -> Int {
    let range = "a number from 1 to the number of legs"
    return keys.number("write_quorum", range).flatMap { quorum, mark in
      // Without legs there is another problem already.
      if quorum >= 1 && (quorum <= legCount || legCount == 0) { return quorum }
      keys.log.report(
        mark, "'write_quorum' is \(quorum), but the volume has \(legCount) legs; write \(range)")
      return nil
    }.value(or: 1)
  }

  private func checkCreation(_ keys: MappingReader) {
    guard size.isAbsent, !keys.isMistyped("size") else { return }
    for case .given(true, let mark) in legs.compactMap({ $0?.create }) {
      keys.log.report(
        mark, "'create: true' needs the volume's size; write 'size:' in volume \(Quoted(name))")
    }
  }
}
