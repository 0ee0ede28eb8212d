internal import BlockIO
internal import Mirror

/// The extended attributes of a volume, all made from one status value.
extension Volume {
  static let attributePrefix = "user.mirrorfs."
  /// The kernel's limit for a value, in bytes.
  static let mostAttributeByteCount = 65536
  static let controlName = attributePrefix + "control"

  /// Names of what ``attribute(_:)`` answers: what `getfattr -d` shows.
  public var attributeNames: [String] {
    let ofVolume = ["state", "error_bits", "error_bits_seen", "error_bits_last", "legs"]
    let ofWork = ["progress", "disputed", "mismatches", "fault", "map", "status"]
    let ofLeg = ["state", "region", "errors", "last_error", "stale"]
    let legs = mirror.legs.indices.flatMap { index in ofLeg.map { "leg.\(index).\($0)" } }
    let new = mirror.status().legs.enumerated().filter { $1.replaces != nil }
    let ofNew = new.map { "leg.\($0.offset).replaces" }
    return (ofVolume + ofWork + legs + ofNew).map { Self.attributePrefix + $0 }
  }

  /// The value of an attribute; nil for a name that there is none of (ENODATA).
  public func attribute(_ name: String) -> String? {
    guard name.hasPrefix(Self.attributePrefix) else { return nil }
    let word = String(name.dropFirst(Self.attributePrefix.count))
    let status = mirror.status()
    switch word {
    case "state": return status.state.word
    case "error_bits": return status.errorBits.description
    case "error_bits_seen": return status.errorBitsSeen.description
    case "error_bits_last": return status.errorBitsLast.description
    case "legs": return status.letters
    case "progress": return status.progress
    case "disputed": return status.disputed.isEmpty ? "none" : Self.list(status.disputed)
    case "mismatches": return Self.text(status.mismatches)
    case "fault":
      return faults.isEmpty ? "none" : faults.map(\.text).joined(separator: "; ")
    case "status": return JSONLine.of(VolumeStatusDocument(self, status))
    case "map": return JSONLine.of(VolumeMapDocument(self))
    default: return legAttribute(word, status)
    }
  }

  private func legAttribute(_ word: String, _ status: MirrorStatus) -> String? {
    let parts = word.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "leg", let index = Int(parts[1]), "\(index)" == parts[1],
      status.legs.indices.contains(index)
    else { return nil }
    let leg = status.legs[index]
    switch parts[2] {
    case "state": return leg.letter.word
    case "region": return "\(leg.device) \(leg.region)"
    case "errors":
      let counters = leg.counters
      return "read=\(counters.read) write=\(counters.write) flush=\(counters.flush) "
        + "corrected=\(counters.corrected)"
    case "last_error": return leg.lastError?.text ?? "none"
    case "stale": return Self.list(leg.stale)
    case "replaces": return leg.replaces.map { "\($0)" }
    default: return nil
    }
  }

  /// `4096+8 legs=0x2; 9000+16 legs=0x2`, or `none`.
  private static func text(_ mismatches: [Mismatch]) -> String {
    if mismatches.isEmpty { return "none" }
    var text = ""
    for mismatch in mismatches {
      let word = (text.isEmpty ? "" : "; ") + "\(mismatch.range) legs=\(mismatch.legs)"
      if text.utf8.count + word.utf8.count + 4 > mostAttributeByteCount { return text + " ..." }
      text += word
    }
    return text
  }

  /// Ranges with spaces between, cut with `...` where the kernel's limit is.
  static func list(_ ranges: [SectorRange]) -> String {
    let ending = " ..."
    var text = ""
    for range in ranges {
      let word = (text.isEmpty ? "" : " ") + range.description
      if text.utf8.count + word.utf8.count + ending.utf8.count > mostAttributeByteCount {
        return text + ending
      }
      text += word
    }
    return text
  }
}
