internal import BlockIO
internal import Glibc

/// What the state on disk and the legs that are there make of a volume at mount.
struct DurableStart {
  let options: DurableOptions
  let legs: [Leg]
  let created: LegBits
  /// New legs, and the legs that they are to replace.
  let replacing: [Int: Int]
  private(set) var health: MirrorHealth
  private(set) var findings: [DurableFinding] = []
  private(set) var generation: UInt64 = 0
  /// The last mount did not end as it should.
  private(set) var wasUnclean = false

  init(
    options: DurableOptions, legs: [Leg], created: LegBits, replacing: [Int: Int] = [:]
  ) {
    self.replacing = replacing
    self.options = options
    self.legs = legs
    self.created = created
    health = MirrorHealth(legCount: legs.count, sectorCount: legs[0].region.sectors.count)
  }

  private var whole: SectorRange { health.whole }

  private mutating func note(_ text: String, isWarning: Bool = true) {
    findings.append(DurableFinding(text: text, isWarning: isWarning))
  }

  /// Takes over what the file says, as far as it can be trusted.
  mutating func read(_ file: StateFile) throws(DurableProblem) {
    defer { for index in legs.indices { health.legs[index].diskMark = legs[index].diskMark } }
    let bytes: [UInt8]?
    do throws(Errno) { bytes = try file.read() } catch {
      throw DurableProblem(text: "the state in \(options.folder) cannot be read: \(error)")
    }
    guard let bytes else { return beginNew(options.initialSync) }
    let saved: SavedState
    do throws(StateDamage) { saved = try SavedState(decoding: bytes) } catch {
      note("state_file=damaged reason=\"\(error)\" folder=\(options.folder)")
      wasUnclean = true
      return beginNew(.verify)
    }
    generation = saved.generation
    let places = Self.match(legs.map { LegIdentity($0, diskMark: $0.diskMark) }, saved.legs)
    guard places.contains(where: { $0 != nil }) else {
      // Another set of legs under the name of a former one: what was known is not about them.
      note("legs_are=new reason=\"the state is of other legs\" folder=\(options.folder)")
      return beginNew(options.initialSync)
    }
    try takeOver(saved, places)
  }

  /// Legs of which nothing is known (rule M16).
  private mutating func beginNew(_ initialSync: InitialSync) {
    let known = LegBits.all(count: legs.count).subtracting(created)
    guard let first = known.lowestIndex else { return }
    for index in created.indices { health.legs[index].addStale(whole) }
    switch initialSync {
    case .assumeInSync: return
    case .firstLeg:
      for index in known.indices where index != first { health.legs[index].addStale(whole) }
    case .verify:
      guard known.count > 1 else { return }
      health.unverified.insert(whole)
      note("legs=unverified reason=\"never compared\"", isWarning: false)
    }
  }

  /// - Parameter places: for each leg its place among the saved ones.
  private mutating func takeOver(
    _ saved: SavedState, _ places: [Int?]
  ) throws(DurableProblem) {
    guard saved.sectorCount == whole.count.rawValue else {
      throw DurableProblem(
        text: "the volume had \(saved.sectorCount) sectors when it was last used, and now has "
          + "\(whole.count.rawValue); write the former size, or remove \(options.folder) to "
          + "start anew with legs that are compared first")
    }
    wasUnclean = !saved.isClean
    // Legs keep their past, wherever they stand in the config now.
    health.errorBitsSeen = Self.moved(saved.errorBitsSeen, places)
    health.errorBitsLast = Self.moved(saved.errorBitsLast, places)
    insert(saved.unverified, into: \.unverified)
    insert(saved.disputed, into: \.disputed)
    insert(saved.unserved, into: \.unserved)
    health.scrub = saved.scrub.map { ScrubTask($0) }
    if let source = health.scrub?.source {
      // Without the leg that was said to be right there is nothing to repair from.
      let now = places.firstIndex(of: source)
      if now == nil { health.scrub = nil } else { health.scrub?.source = now }
    }
    var changed: LegBits = []
    for (index, place) in places.enumerated() {
      guard let place else {
        health.legs[index].addStale(whole)
        health.legs[index].isHeld = !created.contains(index: index)
        note("leg=\(index) leg_is=new device=\(legs[index].name.asLogWord)", isWarning: false)
        continue
      }
      takeOver(saved.legs[place], leg: index)
      if let change = change(of: legs[index], saved.legs[place].identity) {
        changed.insert(index: index)
        note(
          "leg=\(index) leg_is=changed reason=\"\(change)\" device=\(legs[index].name.asLogWord)")
      }
    }
    distrust(changed, known: places.enumerated().filter { $1 != nil }.map(\.offset))
    try checkCopies()
  }

  private static func moved(_ bits: LegBits, _ places: [Int?]) -> LegBits {
    LegBits(
      indices: places.indices.filter { now in
        places[now].map { bits.contains(index: $0) } ?? false
      })
  }

  private mutating func insert(
    _ ranges: [SectorRange], into set: WritableKeyPath<MirrorHealth, RangeSet>
  ) {
    for range in ranges where whole.contains(range) { health[keyPath: set].insert(range) }
  }

  private mutating func takeOver(_ saved: SavedLeg, leg index: Int) {
    var record = LegRecord()
    // Exactly: a set that is merged here could take a good copy away.
    record.stale = RangeSet(sorted: saved.stale)
    record.unwritten = RangeSet(sorted: saved.unwritten)
    record.unreadable = RangeSet(sorted: saved.unreadable)
    record.causes = saved.causes
    record.counters = saved.counters
    record.lastError = saved.lastError
    record.isOut = saved.isOut
    record.isHeld = saved.isHeld
    // One that came back to the config's place stands for nobody, once it has everything.
    let isBack = saved.standsFor == legs[index].name && replacing[index] == nil
    record.standsFor = isBack ? nil : saved.standsFor
    record.replaces = replacing[index]
    // Without a map nobody knows what was being written when it stopped.
    if record.replaces != nil, wasUnclean, options.intent == .off { record.addStale(whole) }
    if created.contains(index: index) {
      // It was there, and has just been made anew.
      record = LegRecord()
      record.addStale(whole)
    }
    health.legs[index] = record
  }

  /// A changed leg is not read until it has been resynced, and that only when somebody asks; when
  /// all of them changed, they are compared (rule M17).
  private mutating func distrust(_ changed: LegBits, known: [Int]) {
    guard !changed.isEmpty else { return }
    if changed.count == known.count {
      if changed.count > 1 { health.unverified.insert(whole) }
      return
    }
    for index in changed.indices where !created.contains(index: index) {
      health.legs[index].addStale(whole)
      // A new leg is overwritten anyway.
      health.legs[index].isHeld = health.legs[index].replaces == nil
    }
  }

  /// What is different about a leg; nil when it is as it was left.
  private func change(of leg: Leg, _ saved: LegIdentity) -> String? {
    let now = LegIdentity(leg, diskMark: leg.diskMark)
    if now.isBlockDevice != saved.isBlockDevice { return "another kind of device" }
    if now.isBlockDevice {
      if now.capacity != saved.capacity { return "another size" }
      let isKnown = now.inode != 0 && saved.inode != 0
      return isKnown && now.inode != saved.inode ? "another disk" : nil
    }
    if now.inode != saved.inode { return "another file" }
    if now.capacity != saved.capacity { return "another size" }
    let isSameTime =
      now.modifiedSeconds == saved.modifiedSeconds
      && now.modifiedNanoseconds == saved.modifiedNanoseconds
    return wasUnclean || isSameTime ? nil : "written to by somebody else"
  }

  /// Every sector must be in sync on some leg (rule M5).
  private func checkCopies() throws(DurableProblem) {
    for (range, inSync) in health.segments(of: whole) where inSync.isEmpty {
      throw DurableProblem(
        text: "sectors \(range) are up to date on none of these legs: the leg that has them was "
          + "changed, or is missing from the config; put it back, or remove \(options.folder) to "
          + "start anew with what is there")
    }
  }

  /// For each leg the place in `saved` of what was the same leg: by its path, else by its file.
  private static func match(_ legs: [LegIdentity], _ saved: [SavedLeg]) -> [Int?] {
    var free = Set(saved.indices)
    var places = legs.map { leg -> Int? in
      let place = saved.indices.first {
        free.contains($0) && saved[$0].identity.path == leg.path
          && saved[$0].identity.firstSector == leg.firstSector
      }
      if let place { free.remove(place) }
      return place
    }
    for index in legs.indices where places[index] == nil && !legs[index].isBlockDevice {
      let leg = legs[index]
      places[index] = saved.indices.first {
        let old = saved[$0].identity
        return free.contains($0) && old.inode == leg.inode && old.firstSector == leg.firstSector
          && old.modifiedSeconds == leg.modifiedSeconds
          && old.modifiedNanoseconds == leg.modifiedNanoseconds
      }
      if let place = places[index] { free.remove(place) }
    }
    return places
  }

  /// Others may have written to the legs: they are compared anew, and none is copied over another
  /// before somebody asks, since even one that is stale here may hold what is wanted by then.
  mutating func handOver() {
    guard legs.count > 1 else { return }
    health.unverified.insert(whole)
    for index in legs.indices where !health.legs[index].stale.isEmpty {
      health.legs[index].isHeld = true
    }
  }

  /// What the write-intent map says of the last stop; unlike ``openIntent()`` it changes nothing.
  func readIntent() throws(DurableProblem) -> RangeSet {
    var dirty = RangeSet()
    guard legs.count > 1 else { return dirty }
    let path = StateFile(folder: options.folder).intentPath
    guard unsafe access(path, F_OK) == 0 else {
      if wasUnclean, options.intent != .off { dirty.insert(whole) }
      return dirty
    }
    let geometry = IntentGeometry(
      sectorCount: whole.count.rawValue, chunk: options.chunk.rawValue)
    do throws(Errno) {
      let found = try IntentFile(path: path, geometry: geometry).read()
      for range in found.dirty { dirty.insert(range) }
    } catch {
      throw DurableProblem(text: "the intent map \(path) cannot be read: \(error)")
    }
    return dirty
  }

  /// The write-intent map, and what it says about the last stop.
  mutating func openIntent() throws(DurableProblem) -> IntentMap? {
    guard legs.count > 1 else { return nil }
    let path = StateFile(folder: options.folder).intentPath
    let isMissing = unsafe access(path, F_OK) != 0
    if options.intent == .off, isMissing { return nil }
    let map: IntentMap
    do throws(Errno) {
      map = try IntentMap(
        path: path, sectorCount: whole.count, chunk: options.chunk,
        safety: options.intent == .durable ? .durable : .process)
    } catch {
      throw DurableProblem(text: "the intent map \(path) cannot be used: \(error)")
    }
    var dirty = map.dirtyAtOpen
    if let damage = map.damage { note("intent_map=damaged reason=\"\(damage)\" path=\(path)") }
    if isMissing, wasUnclean { dirty.insert(whole) }
    // Legs that were never compared are compared, not overwritten.
    dirty.subtract(health.unverified)
    if !dirty.isEmpty, let end = dirty.ranges.last?.end {
      var clipped = dirty
      if whole.end < end { clipped.remove(SectorRange(whole.end, upTo: end)) }
      health.unsettled = clipped
      note("unclean_stop=true sectors_to_recover=\(clipped.sectorCount.rawValue)")
    }
    guard options.intent == .off else { return map }
    unsafe unlink(path)
    StateTrace.note(.removed(path: path))
    return nil
  }
}
