import Volumes

/// What `mirrorfs status` says of one volume, from its status document.
struct VolumeReport {
  let path: String
  /// The status document, as the volume gave it.
  let document: String
  private let status: VolumeStatusDocument

  /// Nil when the volume does not answer.
  init?(_ path: String) {
    guard let document = MountPoint.attribute("status", of: path),
      let status = JSONLine.read(VolumeStatusDocument.self, document)
    else { return nil }
    self.path = path
    self.document = document
    self.status = status
  }

  var state: String { status.state }

  /// The exit status that this volume asks for.
  var severity: CInt {
    switch status.state {
    case "in-sync": 0
    case "failed": 2
    default: 1
    }
  }

  /// A few words, for the line of `-x`.
  var line: String {
    let missed = status.legs.filter { $0.staleSectorCount > 0 }.map {
      ", leg \($0.index) missed \(Wording.amount($0.staleSectorCount * 512))"
    }
    return "\(path) \(status.state), legs \(status.letters)" + missed.joined()
  }

  /// Path, state, size.
  func headline(_ paint: Paint) -> String {
    let state = paint(Paint.colour(of: status.state), status.state)
    let legs = status.legs.count == 1 ? "1 leg" : "\(status.legs.count) legs"
    return "\(path): \(state)  (\(Wording.amount(status.byteCount)), \(legs))"
  }

  /// For a person.
  func text(_ paint: Paint) -> String {
    var lines = [headline(paint)]
    let width = status.legs.map { summary($0).count }.max() ?? 0
    for leg in status.legs { lines += self.lines(leg, width, paint) }
    for fault in status.faults { lines.append("  fault  rehearsed: \(fault.text) left") }
    if status.progress != "none" { lines.append("  work   \(status.progress)") }
    if !status.mismatches.isEmpty {
      lines.append("  scrub  the last one found \(Self.list(status.mismatches, "; "))")
    }
    if let last = status.history.last {
      lines.append("  last   \(last.text), \(Wording.moment(last.time))")
    }
    for (index, step) in advice.enumerated() {
      lines.append((index == 0 ? "  next   " : "         ") + paint(.cyan, step))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func lines(
    _ leg: VolumeStatusDocument.LegDocument, _ width: Int, _ paint: Paint
  ) -> [String] {
    let summary = summary(leg)
    let space = String(repeating: " ", count: max(0, width - summary.count))
    let aim = leg.replaces.map { ", to replace leg \($0)" } ?? ""
    let region = "\(leg.device) \(leg.firstSector)+\(leg.sectorCount)\(aim)"
    let colour = Paint.colour(of: leg.state)
    var lines = ["  leg \(leg.index)  \(paint(colour, summary))\(space)  \(region)"]
    if let meaning = Self.meaning(leg) { lines.append("         \(meaning)") }
    if let error = leg.lastError {
      let counts = ["read", "write", "flush", "corrected"].compactMap { kind in
        leg.errors[kind].flatMap { $0 > 0 ? "\(kind)=\($0)" : nil }
      }
      let words = error.split(separator: " ")
      let moment = words.last.map { Wording.moment(String($0)) } ?? ""
      lines.append(
        "         errors \(counts.joined(separator: " ")); the last: "
          + "\(words.dropLast().joined(separator: " ")), \(moment)")
    }
    return lines
  }

  private func summary(_ leg: VolumeStatusDocument.LegDocument) -> String {
    let missed = Wording.amount(leg.staleSectorCount * 512)
    return leg.state + (leg.staleSectorCount > 0 ? ", missed \(missed)" : "")
  }

  /// What a letter means for the data; nil for a leg that is well.
  private static func meaning(_ leg: VolumeStatusDocument.LegDocument) -> String? {
    switch leg.state {
    case "read-errors": "some sectors cannot be read here, and are read from another leg"
    case "out-of-sync": "what it missed is not read here until it has been copied"
    case "no-space": "a write found no space; what it missed is not read here"
    case "write-failed": "a write failed; what it missed is not read here"
    case "flush-failed": "a flush failed; all written since the last good one counts as missed"
    case "slow": "it missed its deadline, and is passed by until it answers"
    case "taken-out": "taken out of service by `mirrorfs fail`: neither read nor written"
    default: nil
    }
  }

  /// The next step to take, in lines; none where there is nothing to do.
  private var advice: [String] {
    if !status.disputed.isEmpty {
      return [
        "legs differ in \(Self.list(status.disputed, " ")): look which leg is right, then",
        "`mirrorfs resync \(path) --source LEG`",
      ]
    }
    if status.progress.hasPrefix("paused") { return ["`mirrorfs resume \(path)`"] }
    if let out = status.legs.first(where: { $0.state == "taken-out" }) {
      return [
        "`mirrorfs restore \(path) \(out.index)` when the leg is well again",
        "onto another disk: `mirrorfs replace \(path) \(out.index) NEW-PATH`",
      ]
    }
    if status.state == "failed" {
      return [
        "some sectors are on no leg that works: mend a leg, then", "`mirrorfs resync \(path)`",
      ]
    }
    if !status.mismatches.isEmpty {
      return status.legs.count > 2
        ? ["`mirrorfs scrub \(path) --repair` lets the majority count, or --source LEG"]
        : ["look which leg is right, then `mirrorfs scrub \(path) --repair --source LEG`"]
    }
    if status.progress != "none", !status.progress.hasSuffix("waiting") {
      return ["wait: `mirrorfs status --watch \(path)` shows how far it is"]
    }
    if let leg = status.legs.first(where: { $0.state != "alive" }) { return advice(leg) }
    if status.errorBitsSeen != "0x0" {
      return ["nothing to do; `mirrorfs clear-errors \(path)` forgets what is over"]
    }
    return []
  }

  private func advice(_ leg: VolumeStatusDocument.LegDocument) -> [String] {
    if status.faults.contains(where: { $0.leg == leg.index }) {
      return [
        "the fault is a rehearsal: it ends by itself, or by",
        "`mirrorfs fault \(path) \(leg.index) off`",
      ]
    }
    if leg.held == true {
      return [
        "nothing is copied to \(leg.device) before you say so; look what is on it, then",
        "over it: `mirrorfs resync \(path)`",
        "onto another disk: `mirrorfs replace \(path) \(leg.index) NEW-PATH`",
      ]
    }
    switch leg.state {
    case "slow": return ["see what keeps \(leg.device); it is back by itself when it answers"]
    case "read-errors":
      return [
        "wait: the sectors are written anew from another leg; if they come back:",
        "`mirrorfs replace \(path) \(leg.index) NEW-PATH`",
      ]
    default:
      let mend = leg.state == "no-space" ? "make room for" : "mend"
      return [
        "\(mend) \(leg.device); what it missed is then copied by itself",
        "at once: `mirrorfs resync \(path)`",
        "onto another disk: `mirrorfs replace \(path) \(leg.index) NEW-PATH`",
      ]
    }
  }

  private static func list(_ items: [String], _ separator: String) -> String {
    let shown = items.prefix(4).joined(separator: separator)
    return items.count > 4 ? "\(shown)\(separator)... (\(items.count) in all)" : shown
  }
}
