internal import BlockIO

/// What a volume's legs are worth to somebody else who is to mirror them, such as device-mapper.
///
/// Made while nobody uses the volume; what it finds is what a mount would find.
public struct StateHandover: Sendable {
  /// How the legs have to be handed over.
  public struct Plan: Sendable, Equatable {
    /// Numbers of the legs, the one first that holds everything.
    public let order: [Int]
    /// Every leg holds everything. Otherwise the first has to be copied over the others.
    public let areLegsEqual: Bool

    public init(order: [Int], areLegsEqual: Bool) {
      self.order = order
      self.areLegsEqual = areLegsEqual
    }
  }

  /// What was noticed in the state, as at a mount.
  public var findings: [DurableFinding] { start.findings }
  private let start: DurableStart
  /// Chunks in which the legs may differ since a stop in the middle of writes.
  private let unsettled: RangeSet

  /// Reads the state and the map; nothing is written.
  ///
  /// - Parameters:
  ///   - legs: open, in the config's order.
  ///   - replacing: legs behind those of the config, each with the leg that it is to replace.
  /// - Throws: when the state cannot be read, or some sector is in sync on none of the legs.
  public init(
    _ options: DurableOptions, legs: [Leg], replacing: [Int: Int] = [:]
  ) throws(DurableProblem) {
    var start = DurableStart(options: options, legs: legs, created: [], replacing: replacing)
    try start.read(StateFile(folder: options.folder))
    unsettled = try start.readIntent()
    self.start = start
  }

  private var legs: [LegRecord] { start.health.legs }

  /// How the legs may be handed over such that nothing old is ever read, and nothing new is lost.
  ///
  /// - Parameter source: the leg that somebody says is right; nil: what the state says.
  /// - Throws: why not, and what to do.
  public func plan(source: Int?) throws(DurableProblem) -> Plan {
    if let new = legs.indices.first(where: { start.replacing[$0] != nil }) {
      throw DurableProblem(
        text: "leg \(start.replacing[new] ?? new) is just being replaced; mount the volume until "
          + "that is done, or give it up with `mirrorfs replace VOLUME --cancel`")
    }
    if let out = legs.indices.first(where: { legs[$0].isOut }) {
      throw DurableProblem(
        text: "leg \(out) was taken out of service; mount the volume and `mirrorfs restore` it, "
          + "or take it out of the config")
    }
    if let source { return try plan(chosen: source) }
    if legs.count == 1 || areLegsEqual {
      return Plan(order: Array(legs.indices), areLegsEqual: true)
    }
    try refuseWhatNobodyKnows()
    guard let first = legs.indices.first(where: { isComplete($0) }) else {
      throw DurableProblem(
        text: "no leg holds everything, and the kernel would copy one of them over the others; "
          + "mount the volume until `mirrorfs status` says in-sync")
    }
    try refuseFlippedReads(first)
    return plan(first: first)
  }

  /// Spotless: nothing is left to copy, to compare or to recover.
  private var areLegsEqual: Bool {
    legs.indices.allSatisfy { isComplete($0) } && unsettled.isEmpty && !start.wasUnclean
      && start.health.unverified.isEmpty && start.health.disputed.isEmpty
  }

  /// Whether a leg can be copied over the others.
  private func isComplete(_ leg: Int) -> Bool {
    legs[leg].stale.isEmpty && legs[leg].unwritten.isEmpty && legs[leg].unreadable.isEmpty
  }

  private func plan(first: Int) -> Plan {
    Plan(order: [first] + legs.indices.filter { $0 != first }, areLegsEqual: false)
  }

  private func plan(chosen source: Int) throws(DurableProblem) -> Plan {
    guard legs.indices.contains(source) else {
      throw DurableProblem(
        text: "there is no leg \(source); the legs are 0 to \(legs.count - 1)")
    }
    // Where legs differ, all but the first are stale until somebody says, as here, which is right.
    var stale = legs[source].stale
    for range in start.health.disputed.ranges { stale.remove(range) }
    let missed = stale.sectorCount.rawValue
    guard missed == 0 else {
      throw DurableProblem(
        text: "leg \(source) has missed \(missed) sectors, which would be lost; name another leg, "
          + "or mount the volume until `mirrorfs status` says in-sync")
    }
    return plan(first: source)
  }

  private func refuseWhatNobodyKnows() throws(DurableProblem) {
    let ways =
      "or say which leg is right with `--source LEG`: the kernel copies it over the others"
    let differing = start.health.disputed.sectorCount.rawValue
    guard differing == 0 else {
      throw DurableProblem(
        text: "the legs differ in \(differing) sectors, and nobody has said which is right; mount "
          + "the volume and `mirrorfs resync --source LEG`, \(ways)")
    }
    guard start.health.unverified.isEmpty else {
      throw DurableProblem(
        text: "the legs have not been compared since a table was given out, or ever; mount "
          + "the volume until `mirrorfs status` says in-sync, \(ways)")
    }
  }

  /// Where the legs may differ since a crash, reads come from the lowest leg in sync, and may have
  /// been answered by it already.
  private func refuseFlippedReads(_ first: Int) throws(DurableProblem) {
    let isOther = unsettled.ranges.contains { range in
      start.health.segments(of: range).contains { $1.lowestIndex != first }
    }
    guard isOther else { return }
    throw DurableProblem(
      text: "writes were under way when the volume was last used, and the first leg is not one "
        + "that holds everything; mount the volume until `mirrorfs status` says in-sync")
  }

  /// Notes in the state that somebody else may have written to the legs: the next mount compares
  /// them before it trusts them again, and copies over none of them unasked.
  ///
  /// - Throws: when the state cannot be written.
  public func note() throws(DurableProblem) {
    _ = try DurableState(
      start.options, legs: start.legs, created: [], replacing: start.replacing, isHandedOver: true)
  }
}
