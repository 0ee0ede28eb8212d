/// The keys of one kind of mapping.
struct KeySchema {
  /// What the mapping is, for messages: "a volume".
  let owner: String
  /// The keys that work, in the order of mount-config/README.md.
  let keys: [String]
  /// Keys that are reserved, each with what to write instead.
  let unbuilt: [String: String]

  static let document = KeySchema(
    owner: "the config",
    keys: [
      "version", "state_directory", "engine", "transport", "allow_other", "user", "event_log",
      "on_change", "volumes",
    ],
    unbuilt: [:])

  static let volume = KeySchema(
    owner: "a volume",
    keys: [
      "size", "legs", "read_policy", "write_quorum", "mode", "owner", "group", "truncate",
      "read_only", "initial_sync", "intent", "chunk", "resync_rate", "on_no_space",
      "on_all_failed", "cache",
    ],
    unbuilt: [:])

  static let leg = KeySchema(
    owner: "a leg",
    keys: ["path", "start", "count", "create", "write_mostly", "io", "deadline"],
    unbuilt: [
      "uri": "write 'path:' with a file or block device (a network leg: attach it as one first)",
      "write_behind": "leave it out; 'write_mostly: true' keeps reads away from a slow leg",
      "connections": "leave it out",
    ])

  /// What is wrong with a key that does not work, and the key that stands in its place.
  func problem(ofKey key: String) -> (message: String, meant: String?) {
    if let advice = unbuilt[key] {
      let message = "key '\(key)' of \(owner) is not built yet in this version; \(advice)"
      return (message, key == "uri" ? "path" : nil)
    }
    let meant = nearest(to: key)
    let hint = meant.map { " (did you mean '\($0)'?)" } ?? ""
    let list = keys.joined(separator: ", ")
    return (
      "unknown key \(Quoted(key)) in \(owner)\(hint); the keys of \(owner) are \(list)", meant
    )
  }

  /// The key that was probably meant; nil when none is near.
  private func nearest(to key: String) -> String? {
    let typed = Array(key.lowercased().unicodeScalars.prefix(64)).map { $0 == "-" ? "_" : $0 }
    let near = keys.map { (name: $0, distance: editDistance(typed, Array($0.unicodeScalars))) }
      .min { $0.distance < $1.distance }
    guard let near, near.distance <= max(1, near.name.unicodeScalars.count / 3) else { return nil }
    return near.name
  }
}

/// Letters to insert, remove, replace or swap with the neighbour to turn one text into the other.
private func editDistance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
  var beforeLast: [Int] = []
  var last = Array(0...b.count)
  for (i, letter) in a.enumerated() {
    var row = [i + 1]
    for (j, other) in b.enumerated() {
      var best = min(row[j] + 1, last[j + 1] + 1, last[j] + (letter == other ? 0 : 1))
      if i > 0, j > 0, letter == b[j - 1], a[i - 1] == other {
        best = min(best, beforeLast[j - 1] + 1)
      }
      row.append(best)
    }
    beforeLast = last
    last = row
  }
  return last[b.count]
}
