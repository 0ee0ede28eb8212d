public import BlockIO
public import DMIO
internal import Mirror

extension Volume {
  /// Carries out a command written to `user.mirrorfs.control`.
  ///
  /// - Throws: EPERM for any other name, EINVAL for a command or leg that there is none of, EBUSY
  ///   for one that cannot be now, and what the state directory has to say.
  public func setAttribute(
    _ name: String, to value: String, on lane: IOLane
  ) throws(Errno) {
    guard name == Self.controlName else { throw .notPermitted }
    if value.hasPrefix("replace ") { return try replace(value.dropFirst(8), on: lane) }
    let words = value.split(whereSeparator: \.isWhitespace).map(String.init)
    guard let verb = words.first else { throw .invalid }
    let options = Array(words.dropFirst())
    switch (verb, options.count) {
    case ("clear-errors", 0): mirror.clearErrors()
    case ("pause", 0): mirror.setPaused(true)
    case ("resume", 0): mirror.setPaused(false)
    case ("cancel", 0): mirror.cancelScrub()
    case ("fail", 1): try mirror.fail(Self.number(options[0]), on: lane)
    case ("restore", 1): try mirror.restore(Self.number(options[0]), on: lane)
    case ("rate", 1):
      guard let rate = UInt64(options[0]) else { throw .invalid }
      mirror.setRate(bytesPerSecond: rate)
    case ("resync", 0...1): try resync(options, on: lane)
    case ("scrub", 0...3): try scrub(options, on: lane)
    case ("fault", _): try rehearse(options)
    default: throw .invalid
    }
  }

  /// `cancel`, or `LEG FIRST PATH`: the path is the rest, whatever is in it.
  private func replace(_ text: Substring, on lane: IOLane) throws(Errno) {
    try checkWritable()
    if text == "cancel" { return try mirror.cancelReplacement(on: lane) }
    let parts = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, let first = UInt64(parts[1]) else { throw .invalid }
    try mirror.beginReplacement(
      of: Self.number(String(parts[0])), path: String(parts[2]), firstSector: Sector(first),
      on: lane)
  }

  private func resync(_ options: [String], on lane: IOLane) throws(Errno) {
    try checkWritable()
    var source: Int?
    for option in options {
      guard let value = Self.value(of: "source", option) else { throw .invalid }
      source = try Self.number(value)
    }
    try mirror.requestResync(source: source, on: lane)
  }

  private func scrub(_ options: [String], on lane: IOLane) throws(Errno) {
    var isRepair = false
    var source: Int?
    var range: SectorRange?
    for option in options {
      if option == "repair" {
        isRepair = true
      } else if let value = Self.value(of: "source", option) {
        source = try Self.number(value)
      } else if let value = Self.value(of: "range", option) {
        range = try Self.range(value)
      } else {
        throw .invalid
      }
    }
    if isRepair { try checkWritable() }
    try mirror.requestScrub(range, isRepair: isRepair, source: source, on: lane)
  }

  static func value(of key: String, _ option: String) -> String? {
    option.hasPrefix(key + "=") ? String(option.dropFirst(key.count + 1)) : nil
  }

  private static func number(_ text: String) throws(Errno) -> Int {
    guard let number = Int(text), number >= 0 else { throw .invalid }
    return number
  }

  /// `FIRST+COUNT`, in sectors.
  static func range(_ text: String) throws(Errno) -> SectorRange {
    let parts = text.split(separator: "+", omittingEmptySubsequences: false)
    guard parts.count == 2, let first = UInt64(parts[0]), let count = UInt64(parts[1]) else {
      throw .invalid
    }
    return SectorRange(first: Sector(first), count: SectorCount(count))
  }
}
