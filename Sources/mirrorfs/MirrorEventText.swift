import BlockIO
import Logging
import Mirror

extension MirrorEvent {
  /// The log line of a change, in the keys of the extended attributes.
  func text(volume: String) -> String {
    switch self {
    case .leg(let index, let status):
      let leg = status.legs[index]
      var words = [
        "volume=\(volume.asLogWord)", "leg=\(index)", "state=\(leg.letter.word)",
        "error_bits=\(status.errorBits)", "legs=\(status.letters)",
        "volume_state=\(status.state.word)", "device=\(leg.device.asLogWord)",
      ]
      if leg.letter != .alive, let error = leg.lastError {
        words += [
          "errno=\(error.error.name)", "first_sector=\(error.sectors.first.rawValue)",
          "sector_count=\(error.sectors.count.rawValue)",
        ]
      }
      if leg.letter == .alive {
        let counters = leg.counters
        words += [
          "read_errors=\(counters.read)", "write_errors=\(counters.write)",
          "flush_errors=\(counters.flush)",
        ]
      }
      return words.joined(separator: " ")
    case .state(let status):
      return "volume=\(volume.asLogWord) state=\(status.state.word) "
        + "error_bits=\(status.errorBits) legs=\(status.letters)"
    case .note(let words, _): return "volume=\(volume.asLogWord) \(words)"
    }
  }

  /// Whose lines are counted together.
  var source: String {
    switch self {
    case .leg(let index, _): "leg \(index)"
    case .state: "volume"
    case .note: "work"
    }
  }

  var level: Logger.Level {
    switch self {
    case .leg(let index, let status):
      return status.legs[index].letter == .alive ? .notice : .warning
    case .note(_, let isWarning): return isWarning ? .warning : .notice
    case .state(let status):
      switch status.state {
      case .inSync, .resyncing: return .notice
      case .degraded: return .warning
      case .failed: return .error
      }
    }
  }
}
