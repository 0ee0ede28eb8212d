/// What `mirrorfs status` says of one volume, from its extended attributes.
struct VolumeReport {
  let path: String
  let state: String
  let letters: String
  /// The status document, as JSON.
  let document: String
  private let progress: String
  private let disputed: String
  private let mismatches: String
  private let fault: String
  private let legs: [LegReport]

  private struct LegReport {
    let state: String
    let region: String
    let errors: String
    let lastError: String
    let staleByteCount: UInt64
    /// The number of the leg that it is to replace, or `none`.
    let replaces: String
  }

  /// Nil when the volume does not answer.
  init?(_ path: String) {
    func attribute(_ name: String) -> String? { MountPoint.attribute(name, of: path) }
    guard let state = attribute("state"), let letters = attribute("legs"),
      let document = attribute("status")
    else { return nil }
    self.path = path
    self.state = state
    self.letters = letters
    self.document = document
    progress = attribute("progress") ?? "none"
    disputed = attribute("disputed") ?? "none"
    mismatches = attribute("mismatches") ?? "none"
    fault = attribute("fault") ?? "none"
    legs = letters.indices.enumerated().map { number, _ in
      let stale = attribute("leg.\(number).stale") ?? ""
      return LegReport(
        state: attribute("leg.\(number).state") ?? "unknown",
        region: attribute("leg.\(number).region") ?? "unknown",
        errors: attribute("leg.\(number).errors") ?? "",
        lastError: attribute("leg.\(number).last_error") ?? "none",
        staleByteCount: stale.split(separator: " ").reduce(0) { sum, range in
          sum + 512 * (range.split(separator: "+").last.flatMap { UInt64($0) } ?? 0)
        },
        replaces: attribute("leg.\(number).replaces") ?? "none")
    }
  }

  /// The exit status that this volume asks for.
  var severity: CInt {
    switch state {
    case "in-sync": 0
    case "failed": 2
    default: 1
    }
  }

  /// One line, for `-x`.
  var line: String { "\(path): \(state), legs \(letters)" }

  /// For a person.
  var text: String {
    var lines = ["\(path): \(state)"]
    for (number, leg) in legs.enumerated() {
      let missed = leg.staleByteCount > 0 ? ", missed \(Self.amount(leg.staleByteCount))" : ""
      let aim = leg.replaces == "none" ? "" : "  replaces leg \(leg.replaces)"
      lines.append("  leg \(number)  \(leg.state)\(missed)  \(leg.region)\(aim)")
      if leg.lastError != "none" {
        lines.append("         \(leg.errors); last: \(leg.lastError)")
      }
    }
    if fault != "none" { lines.append("  rehearsed fault: \(fault) left") }
    if progress != "none" { lines.append("  \(progress)") }
    if mismatches != "none" { lines.append("  the last scrub found \(mismatches)") }
    if let advice { lines.append("  next: \(advice)") }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The next step to take; nil when there is none.
  private var advice: String? {
    if disputed != "none" {
      return
        "legs differ in \(disputed); `mirrorfs resync \(path) --source LEG` says which is right"
    }
    if progress.hasPrefix("paused") { return "`mirrorfs resume \(path)`" }
    if let out = legs.firstIndex(where: { $0.state == "taken-out" }) {
      return "`mirrorfs restore \(path) \(out)` when the leg is well again"
    }
    if state == "failed" {
      return "some sectors are on no leg that works; mend a leg, then `mirrorfs resync \(path)`"
    }
    if mismatches != "none" { return "`mirrorfs scrub \(path) --repair --source LEG`" }
    if progress != "none", !progress.hasSuffix("waiting") { return "wait" }
    if severity > 0 {
      return "mend the leg; it is copied by itself, or at once with `mirrorfs resync \(path)`"
    }
    return nil
  }

  private static func amount(_ byteCount: UInt64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"]
    var (value, unit) = (byteCount * 10, 0)
    while value >= 10240, unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    return unit == 0 ? "\(byteCount) B" : "\(value / 10).\(value % 10) \(units[unit])"
  }
}
