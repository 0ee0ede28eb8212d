import BlockIO
import Mirror

/// One line of the event log: a JSON object. Keys are added, never renamed.
struct EventRecord {
  private var fields: [String]

  /// - Parameter event: what kind of record it is.
  init(_ event: String) {
    fields = ["\"version\":1", "\"time\":\"\(EventLog.stamp())\""]
    add("event", event)
  }

  var line: String { "{" + fields.joined(separator: ",") + "}" }

  mutating func add(_ key: String, _ text: String) {
    fields.append("\"\(key)\":\(Self.quoted(text))")
  }

  mutating func add(_ key: String, _ number: some BinaryInteger) {
    fields.append("\"\(key)\":\(number)")
  }

  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": quoted += "\\\(scalar)"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}

extension EventRecord {
  /// A request that failed on a leg.
  init(_ request: FailedRequest, volume: String) {
    self.init("request")
    add("volume", volume)
    add("operation", "\(request.operation)")
    if request.operation != .flush {
      add("first_sector", request.sectors.first.rawValue)
      add("sector_count", request.sectors.count.rawValue)
    }
    add("error_bits", request.errorBits.description)
    add("latency_us", request.latencyMicroseconds)
    let legs = request.legs.map { leg in
      "{\"leg\":\(leg.index),\"errno\":\"\(leg.error.name)\","
        + "\"latency_us\":\(leg.latencyMicroseconds)}"
    }
    fields.append("\"legs\":[\(legs.joined(separator: ","))]")
  }

  /// A change, with the facts of its log line.
  init(_ event: MirrorEvent, volume: String) {
    switch event {
    case .leg(let index, let status):
      self.init("leg")
      add("volume", volume)
      add("leg", index)
      add("state", status.legs[index].letter.word)
      add("device", status.legs[index].device)
      add(status)
    case .state(let status):
      self.init("state")
      add("volume", volume)
      add(status)
    case .note(let text, _):
      self.init("work")
      add("volume", volume)
      add("text", text)
    }
  }

  private mutating func add(_ status: MirrorStatus) {
    add("volume_state", status.state.word)
    add("error_bits", status.errorBits.description)
    add("letters", status.letters)
  }
}
