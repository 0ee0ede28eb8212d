import BlockIO

@testable import Mirror

/// One sector of a leg with a volatile cache.
struct CrashCell: Equatable, Sendable {
  /// What a read returns while the power is on.
  var current: UInt64 = 0
  /// What is there after a loss of power, if nothing of `pending` made it.
  var durable: UInt64 = 0
  /// Written since the last flush: any of them may be there after a loss of power.
  var pending: [UInt64] = []

  mutating func write(_ value: UInt64) {
    current = value
    pending.append(value)
  }

  mutating func flush(isLost: Bool) {
    if !isLost, let last = pending.last { durable = last }
    pending = []
  }

  mutating func losePower(_ random: inout SeededRandom) {
    if let survivor = (pending + [durable]).randomElement(using: &random) { durable = survivor }
    (current, pending) = (durable, [])
  }
}

/// A folder of a file system that keeps the order of names, but not of contents: what was not
/// synced may be lost, in any part.
struct CrashFolder: Sendable {
  private enum Change: Sendable {
    case piece(offset: Int, bytes: [UInt8])
    case resize(Int)
  }

  private struct Inode: Sendable {
    var durable: [UInt8] = []
    var pending: [Change] = []

    static func apply(_ change: Change, to bytes: inout [UInt8]) {
      switch change {
      case .resize(let count):
        if count < bytes.count { bytes.removeLast(bytes.count - count) }
        bytes += [UInt8](repeating: 0, count: max(0, count - bytes.count))
      case .piece(let offset, let piece):
        let missing = offset + piece.count - bytes.count
        if missing > 0 { bytes += [UInt8](repeating: 0, count: missing) }
        bytes.replaceSubrange(offset..<offset + piece.count, with: piece)
      }
    }

    var current: [UInt8] {
      pending.reduce(into: durable) { bytes, change in Self.apply(change, to: &bytes) }
    }
  }

  private var inodes: [Inode] = []
  /// The folder as it was when it was last synced, and after each change since.
  private var names: [[String: Int]] = [[:]]

  /// What a program finds while the power is on.
  var files: [String: [UInt8]] {
    (names.last ?? [:]).mapValues { inodes[$0].current }
  }

  mutating func apply(_ event: StateTrace.Event) {
    var now = names.last ?? [:]
    switch event {
    case .emptied(let path):
      let name = Self.name(path)
      if let inode = now[name] {
        inodes[inode].pending.append(.resize(0))
      } else {
        now[name] = inodes.count
        inodes.append(Inode())
        names.append(now)
      }
    case .wrote(let path, let offset, let bytes):
      guard let inode = now[Self.name(path)] else { return }
      // As disks do it: sectors are written as a whole, and each by itself.
      for start in stride(from: 0, to: bytes.count, by: 512) {
        let piece = Array(bytes[start..<min(bytes.count, start + 512)])
        inodes[inode].pending.append(.piece(offset: offset + start, bytes: piece))
      }
    case .resized(let path, let byteCount):
      guard let inode = now[Self.name(path)] else { return }
      inodes[inode].pending.append(.resize(byteCount))
    case .synced(let path):
      guard let inode = now[Self.name(path)] else { return }
      inodes[inode].durable = inodes[inode].current
      inodes[inode].pending = []
    case .renamed(let path, let to):
      now[Self.name(to)] = now.removeValue(forKey: Self.name(path))
      names.append(now)
    case .removed(let path):
      now.removeValue(forKey: Self.name(path))
      names.append(now)
    case .folderSynced:
      names = [now]
    }
  }

  mutating func losePower(_ random: inout SeededRandom) {
    names = [names.randomElement(using: &random) ?? [:]]
    for index in inodes.indices {
      var bytes = inodes[index].durable
      for change in inodes[index].pending where Bool.random(using: &random) {
        Inode.apply(change, to: &bytes)
      }
      inodes[index] = Inode(durable: bytes)
    }
  }

  private static func name(_ path: String) -> String {
    String(path.split(separator: "/").last ?? "")
  }
}

/// What there is outside the process, and what was promised about it.
struct CrashImage: Sendable {
  /// By leg, then by sector.
  var legs: [[CrashCell]]
  var folder = CrashFolder()
  /// By sector: the last value that was written or is being written.
  var issued: [UInt64]
  /// By sector: no read may return less, as long as the power is on.
  var acknowledged: [UInt64]
  /// By sector: no read may return less, whatever happens.
  var synced: [UInt64]

  init(legCount: Int, sectorCount: Int) {
    let cells = [CrashCell](repeating: CrashCell(), count: sectorCount)
    legs = Array(repeating: cells, count: legCount)
    issued = Array(repeating: 0, count: sectorCount)
    (acknowledged, synced) = (issued, issued)
  }

  /// What a disk holds that was another one's.
  static let garbage = UInt64.max

  mutating func apply(_ event: CrashEvent) {
    switch event {
    case .added:
      let old = CrashCell(current: Self.garbage, durable: Self.garbage)
      legs.append([CrashCell](repeating: old, count: issued.count))
    case .wrote(let leg, let sector, let value): legs[leg][sector].write(value)
    case .flushed(let leg, let lost):
      for sector in legs[leg].indices {
        legs[leg][sector].flush(isLost: lost.contains(sector))
      }
    case .state(let event): folder.apply(event)
    case .issued(let sectors, let value): for sector in sectors { issued[sector] = value }
    case .acknowledged(let sectors, let value):
      for sector in sectors { acknowledged[sector] = value }
    case .synced(let values): synced = values
    }
  }

  mutating func losePower(_ random: inout SeededRandom) {
    for leg in legs.indices {
      for sector in legs[leg].indices { legs[leg][sector].losePower(&random) }
    }
    folder.losePower(&random)
    acknowledged = synced
  }
}

/// Something that a crash may come before or after.
enum CrashEvent: Sendable {
  case wrote(leg: Int, sector: Int, value: UInt64)
  /// There is one more disk.
  case added
  /// - lost: sectors that a failed flush gave up.
  case flushed(leg: Int, lost: Set<Int>)
  case state(StateTrace.Event)
  case issued(Range<Int>, UInt64)
  case acknowledged(Range<Int>, UInt64)
  /// What was acknowledged when a flush began that has succeeded.
  case synced([UInt64])

  var isFlush: Bool {
    switch self {
    case .flushed, .synced, .state(.synced), .state(.folderSynced): true
    default: false
    }
  }
}
