internal import CFUSE3
internal import Glibc
internal import Volumes

/// What lies in the hidden directory (rule F8): found by name, not listed in the mount.
enum HiddenNode {
  /// `.mirrorfs` itself.
  case directory
  /// `.mirrorfs/status.json` and `.mirrorfs/metrics`.
  case document(Document)
  /// `.mirrorfs/legs`.
  case legs
  /// `.mirrorfs/legs/VOLUME.N`: what is on one leg.
  case leg(Volume, index: Int)

  /// A text that is made when it is read.
  enum Document: UInt64, CaseIterable {
    case status = 1
    case metrics = 2

    var name: String {
      switch self {
      case .status: "status.json"
      case .metrics: "metrics"
      }
    }

    func text(of table: VolumeTable) -> String {
      switch self {
      case .status: table.statusDocument()
      case .metrics: table.metrics()
      }
    }
  }

  static let name = ".mirrorfs"
  private static let legsName = "legs"

  /// The directory's inode number; far behind those of volumes.
  static let firstNumber: UInt64 = 1 << 62
  private static let legsNumber = firstNumber + 16
  /// The number of the first leg of the first volume; a volume has room for 256.
  private static let firstLegNumber = firstNumber + (1 << 61)

  /// Nil for a number that was never given out, or whose volume is gone.
  init?(number: UInt64, in table: VolumeTable) {
    guard number >= Self.firstNumber else { return nil }
    if number >= Self.firstLegNumber {
      let rest = number - Self.firstLegNumber
      guard let place = Int(exactly: rest >> 8), let volume = table[place] else { return nil }
      self = .leg(volume, index: Int(rest & 0xff))
    } else if number == Self.firstNumber {
      self = .directory
    } else if number == Self.legsNumber {
      self = .legs
    } else if let document = Document(rawValue: number - Self.firstNumber) {
      self = .document(document)
    } else {
      return nil
    }
  }

  private static func number(of document: Document) -> UInt64 { firstNumber + document.rawValue }

  /// The inode number of an entry of this directory; nil when there is none of that name.
  func number(of name: String, in table: VolumeTable) -> UInt64? {
    switch self {
    case .directory:
      if name == Self.legsName { return Self.legsNumber }
      return Document.allCases.first { $0.name == name }.map { Self.number(of: $0) }
    case .legs:
      guard let dot = name.lastIndex(of: "."),
        let place = table.number(of: String(name[..<dot])), let volume = table[place]
      else { return nil }
      let digits = name[name.index(after: dot)...]
      guard let index = Int(digits), "\(index)" == digits, (0..<volume.legCount).contains(index)
      else { return nil }
      return Self.firstLegNumber + UInt64(place) << 8 + UInt64(index)
    case .document, .leg: return nil
    }
  }

  /// What this directory lists; nil for a file.
  func entries(in table: VolumeTable) -> [DirectoryEntry]? {
    switch self {
    case .directory:
      return Document.allCases.map {
        DirectoryEntry(name: $0.name, number: Self.number(of: $0), mode: S_IFREG)
      } + [DirectoryEntry(name: Self.legsName, number: Self.legsNumber, mode: S_IFDIR)]
    case .legs:
      return table.volumes.flatMap { volume in
        (0..<volume.legCount).compactMap { index in
          let name = "\(volume.name).\(index)"
          return number(of: name, in: table).map {
            DirectoryEntry(name: name, number: $0, mode: S_IFREG)
          }
        }
      }
    case .document, .leg: return nil
    }
  }

  /// How long the kernel may keep attributes: documents change all the time.
  var validSeconds: Double {
    switch self {
    case .directory, .legs: Operations.validSeconds
    case .document: 0
    case .leg: 1
    }
  }

  /// Fills in what stat(2) shows; the number is there already.
  func describe(in attributes: inout stat, _ fileSystem: VolumeFileSystem) {
    attributes.setFolder(of: fileSystem.owner)
    switch self {
    case .directory, .legs: return
    case .document(let document):
      attributes.st_mode = S_IFREG | 0o444
      attributes.st_size = off_t(document.text(of: fileSystem.table).utf8.count)
      attributes.st_mtim = timespec(tv_sec: time(nil), tv_nsec: 0)
      attributes.st_ctim = attributes.st_mtim
    case .leg(let volume, _):
      attributes.st_mode = S_IFREG | volume.access.mode & 0o444
      attributes.st_uid = volume.access.owner
      attributes.st_gid = volume.access.group
      attributes.st_size = off_t(volume.byteCount)
      attributes.st_mtim = timespec(nanoseconds: volume.modificationTime)
      attributes.st_ctim = attributes.st_mtim
    }
    attributes.st_nlink = 1
    attributes.st_blocks = (attributes.st_size + 511) / 512
    attributes.st_blksize = blksize_t(VolumeFileSystem.mostTransferByteCount)
  }
}

/// One line of a directory.
struct DirectoryEntry {
  let name: String
  let number: UInt64
  /// The kind of file, as in stat(2).
  let mode: mode_t
}
