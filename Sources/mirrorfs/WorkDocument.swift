import Volumes

/// What `mirrorfs resync --json` and `mirrorfs replace --json` print: how the work stands. Keys are
/// added, never renamed or removed.
struct WorkDocument: Encodable {
  var version = 1
  let volume: String
  /// `resync` or `replace`.
  let work: String
  /// Nothing is left to copy; of a replacement: the new leg has taken its place.
  let isDone: Bool
  /// As `user.mirrorfs.progress`.
  let progress: String
  let state: String
  /// One letter a leg.
  let legs: String
  /// Ranges of sectors, `first+count`, where legs differ and nobody has said which is right.
  let disputed: [String]
  /// The leg that is replaced, and by what; absent for a resync.
  let leg: Int?
  let device: String?

  enum CodingKeys: String, CodingKey {
    case version, volume, work, progress, state, legs, disputed, leg, device
    case isDone = "is_done"
  }

  /// - Parameter isDone: nil: when there is no background work.
  init(
    _ control: VolumeControl, work: String, leg: Int? = nil, device: String? = nil,
    isDone: Bool? = nil
  ) {
    volume = control.path
    self.work = work
    progress = control.attribute("progress") ?? "none"
    self.isDone = isDone ?? (progress == "none")
    state = control.attribute("state") ?? "unknown"
    legs = control.attribute("legs") ?? ""
    let ranges = control.attribute("disputed") ?? "none"
    disputed = ranges == "none" ? [] : ranges.split(separator: " ").map(String.init)
    self.leg = leg
    self.device = device
  }

  var line: String { JSONLine.of(self) }
}
