internal import BlockIO
internal import Mirror

/// Prometheus' text format: families of samples, each with its labels.
struct MetricsText {
  private(set) var text = ""

  /// Begins a family; its samples follow.
  mutating func begin(_ name: String, _ type: String, _ help: String) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
  }

  mutating func add(_ name: String, _ labels: [(String, String)], _ value: UInt64) {
    let pairs = labels.map { "\($0)=\"\(Self.escaped($1))\"" }
    text += "\(name){\(pairs.joined(separator: ","))} \(value)\n"
  }

  private static func escaped(_ value: String) -> String {
    value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
      .replacing("\n", with: "\\n")
  }
}

extension VolumeTable {
  /// Everything a monitor may want to know, for Prometheus. Families are added, never renamed.
  public func metrics() -> String {
    let volumes = volumes.map { ($0, $0.mirror.status()) }
    var metrics = MetricsText()
    func gauge(
      _ name: String, _ help: String, _ value: (Volume, MirrorStatus) -> UInt64
    ) {
      metrics.begin(name, "gauge", help)
      for (volume, status) in volumes {
        metrics.add(name, [("volume", volume.name)], value(volume, status))
      }
    }
    gauge("mirrorfs_volume_size_bytes", "Size of the volume.") { volume, _ in volume.byteCount }
    gauge("mirrorfs_volume_legs", "Legs of the volume.") { _, status in UInt64(status.legs.count) }
    gauge("mirrorfs_volume_legs_in_trouble", "Legs that are failing or stale now.") { _, status in
      UInt64(status.errorBits.rawValue.nonzeroBitCount)
    }
    gauge("mirrorfs_volume_disputed_bytes", "Where legs differ and nobody said which is right.") {
      _, status in status.disputed.reduce(0) { $0 + $1.count.byteCount }
    }
    gauge("mirrorfs_volume_mismatches", "Ranges in which the last scrub found a difference.") {
      _, status in UInt64(status.mismatches.count)
    }
    metrics.addStates(of: volumes)
    metrics.addLegs(of: volumes)
    return metrics.text
  }
}

extension MetricsText {
  fileprivate mutating func addStates(of volumes: [(Volume, MirrorStatus)]) {
    let name = "mirrorfs_volume_state"
    begin(name, "gauge", "1 for the state that the volume is in.")
    for (volume, status) in volumes {
      for state in [MirrorState.inSync, .resyncing, .degraded, .failed] {
        add(
          name, [("volume", volume.name), ("state", state.word)], status.state == state ? 1 : 0)
      }
    }
  }

  fileprivate mutating func addLegs(of volumes: [(Volume, MirrorStatus)]) {
    func each(_ body: (LegStatus, [(String, String)]) -> Void) {
      for (volume, status) in volumes {
        for (index, leg) in status.legs.enumerated() {
          body(leg, [("volume", volume.name), ("leg", "\(index)")])
        }
      }
    }
    var name = "mirrorfs_leg_state"
    begin(name, "gauge", "1 for the state that the leg is in.")
    each { leg, labels in
      for letter in LegLetter.allCases {
        add(name, labels + [("state", letter.word)], leg.letter == letter ? 1 : 0)
      }
    }
    name = "mirrorfs_leg_info"
    begin(name, "gauge", "The leg's device; always 1.")
    each { leg, labels in add(name, labels + [("device", leg.device)], 1) }
    name = "mirrorfs_leg_stale_bytes"
    begin(name, "gauge", "What the leg has missed and does not hold yet.")
    each { leg, labels in add(name, labels, leg.stale.reduce(0) { $0 + $1.count.byteCount }) }
    name = "mirrorfs_leg_errors_total"
    begin(name, "counter", "Failed transfers since the errors were cleared.")
    each { leg, labels in
      let counters = leg.counters
      for (word, count) in [
        ("read", counters.read), ("write", counters.write), ("flush", counters.flush),
      ] {
        add(name, labels + [("operation", word)], UInt64(count))
      }
    }
    name = "mirrorfs_leg_corrected_total"
    begin(name, "counter", "Bad places that were written anew from another leg.")
    each { leg, labels in add(name, labels, UInt64(leg.counters.corrected)) }
  }
}
