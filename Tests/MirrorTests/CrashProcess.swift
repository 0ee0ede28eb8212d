import BlockIO
import DMIO
import Glibc

@testable import Mirror

/// A life of the program on an image: from its mount to its end, or to a crash at any event.
final class CrashProcess {
  static let chunk = 4
  let legs: CrashLegs
  private let folder: String
  private let client: IOClient
  private let mirror: MirrorSet
  private let sectorCount: Int
  private var image: CrashImage
  private var random: SeededRandom
  /// The one disk that may fail.
  private var badDevice = 0
  private(set) var problems: [String] = []
  /// Of the step that is being done; what is written meanwhile counts on from there.
  private var lastValue: UInt64 = 0

  /// Mounts.
  init(_ image: CrashImage, legCount: Int, intent: IntentChoice, seed: UInt64) throws {
    self.image = image
    sectorCount = image.issued.count
    random = SeededRandom(seed: seed)
    folder = "/dev/shm/mirrorfs-crash-\(getpid())-\(seed)"
    unsafe mkdir(folder, 0o700)
    for (name, bytes) in image.folder.files { try Self.write(bytes, to: "\(folder)/\(name)") }
    let legs = CrashLegs(image.legs, seed: seed)
    self.legs = legs
    let prefix = folder
    StateTrace.observer.withLock { observer in
      observer = { event in if event.path.hasPrefix(prefix) { legs.note(.state(event)) } }
    }
    client = IOClient(backend: legs, pages: 4)
    let (names, replacing) = Self.legs(folder: folder, count: legCount)
    let places = names.map { [sectorCount] name in Self.leg(name, sectorCount) }
    let durable = try DurableState(
      DurableOptions(
        folder: folder, volume: "v", intent: intent, chunk: SectorCount(UInt64(Self.chunk)),
        initialSync: .assumeInSync),
      legs: places, created: [], replacing: replacing)
    mirror = MirrorSet(
      legs: places, policy: MirrorPolicy(readPolicy: .roundRobin), durable: durable)
    // The leg that was bad in the last life is so in this one, until it has everything again.
    let letters = Array(mirror.status().letters)
    badDevice = Self.device(names[badLeg(letters)])
  }

  /// A new leg is out of sync because it is new; another one because it was bad.
  private func badLeg(_ letters: [Character]) -> Int {
    let legs = mirror.status().legs
    return letters.indices.first { letters[$0] != "A" && legs[$0].replaces == nil } ?? 0
  }

  /// The config's legs, or what has replaced them, and one that is to.
  private static func legs(folder: String, count: Int) -> ([String], [Int: Int]) {
    let config = (0..<count).map { "/leg\($0)" }
    let substitutes = DurableState.substitutes(folder: folder)
    let replaced = Set(substitutes.lazy.filter { !$0.isReplacing }.map(\.standsFor))
    var names = config
    var replacing: [Int: Int] = [:]
    for substitute in substitutes where !substitute.isReplacing {
      if let index = config.firstIndex(of: substitute.standsFor) { names[index] = substitute.path }
    }
    for substitute in substitutes where substitute.isReplacing {
      guard replaced.contains(substitute.path) || !config.contains(substitute.path),
        let index = config.firstIndex(of: substitute.standsFor)
      else { continue }
      replacing[names.count] = index
      names.append(substitute.path)
    }
    return (names, replacing)
  }

  private static func device(_ name: String) -> Int { Int(name.dropFirst(4)) ?? 0 }

  private static func leg(_ name: String, _ sectorCount: Int) -> Leg {
    let whole = SectorRange(first: Sector(0), count: SectorCount(UInt64(sectorCount)))
    let device = Device(
      descriptor: CInt(device(name)), kind: .blockDevice, capacity: whole.count)
    return Leg(file: nil, region: Region(device: device, sectors: whole), name: name)
  }

  /// The legs that the mirror has now, by their disks.
  private var devices: [Int] { mirror.legs.map { Int($0.region.device.descriptor) } }

  /// Forgets the process and its folder; the image of an event lives on.
  func end() {
    StateTrace.observer.withLock { $0 = nil }
    for name in ["state", "state.new", "intent"] { unsafe unlink("\(folder)/\(name)") }
    unsafe rmdir(folder)
  }

  private static func write(_ bytes: [UInt8], to path: String) throws {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    defer { close(descriptor) }
    guard unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
      throw Errno.last
    }
  }

  /// Does something; `value` is larger than any before by 16 at least.
  func step(value: UInt64) {
    lastValue = value
    switch Int.random(in: 0..<100, using: &random) {
    case ..<50: withWritesMeanwhile { write(value) }
    case ..<62: withWritesMeanwhile { flush() }
    case ..<80: check(image.acknowledged)
    case ..<90:
      let isCleaning = Bool.random(using: &random)
      withWritesMeanwhile { work(isCleaning: isCleaning) }
    case ..<95: changeFaults()
    case ..<97: takeOutOrBringBack()
    case ..<99: replace()
    default: scrub()
    }
  }

  /// Now and then writes elsewhere between any two transfers of `body`, as other threads would.
  private func withWritesMeanwhile(_ body: () -> Void) {
    let process = Shared(process: self)
    legs.meanwhile.withLock { $0 = { process.process.writeMeanwhile() } }
    body()
    legs.meanwhile.withLock { $0 = nil }
  }

  private struct Shared: @unchecked Sendable {
    // Sendable: transfers run on the thread of the process, which is the test's.
    let process: CrashProcess
  }

  private func writeMeanwhile() {
    guard Int.random(in: 0..<6, using: &random) == 0, lastValue % 16 < 15 else { return }
    let sectors = randomSectors()
    let range = SectorRange(
      first: Sector(UInt64(sectors.lowerBound)), count: SectorCount(UInt64(sectors.count)))
    // This thread would wait for itself.
    guard !mirror.rangeLock.ranges().contains(where: { $0.overlaps(range) }) else { return }
    let outer = legs.meanwhile.withLock { meanwhile in
      defer { meanwhile = nil }
      return meanwhile
    }
    lastValue += 1
    write(lastValue, sectors)
    legs.meanwhile.withLock { $0 = outer }
  }

  private func randomSectors() -> Range<Int> {
    let first = Int.random(in: 0..<sectorCount, using: &random)
    return first..<min(sectorCount, first + Int.random(in: 1...6, using: &random))
  }

  private func note(_ event: CrashEvent) {
    image.apply(event)
    legs.note(event)
  }

  private func write(_ value: UInt64) { write(value, randomSectors()) }

  private func write(_ value: UInt64, _ sectors: Range<Int>) {
    note(.issued(sectors, value))
    do throws(Errno) {
      unsafe try run(sectors, isWrite: true) { (held, range, memory) throws(Errno) in
        for offset in stride(from: 0, to: Int(range.count.byteCount), by: sectorByteCount) {
          unsafe memory.storeBytes(of: value, toByteOffset: offset, as: UInt64.self)
        }
        try unsafe held.write(range, from: memory)
      }
      note(.acknowledged(sectors, value))
    } catch {
      problems.append("a write failed although a leg is good: \(error)")
    }
  }

  private func flush() {
    let acknowledged = image.acknowledged
    do {
      try client.withLane { (lane) throws(Errno) in try mirror.flush(on: lane) }.get()
      note(.synced(acknowledged))
    } catch {
      problems.append("a flush failed although a leg is good: \(error)")
    }
  }

  /// What all sectors read as; twice, which asks different legs.
  func check(_ least: [UInt64]) {
    var seen: [UInt64] = []
    for _ in 0..<2 {
      var values: [UInt64] = []
      for sector in 0..<sectorCount {
        do throws(Errno) {
          unsafe try run(sector..<sector + 1, isWrite: false) {
            (held, range, memory) throws(Errno) in
            try unsafe held.read(range, into: memory)
            unsafe values.append(memory.load(as: UInt64.self))
          }
        } catch {
          problems.append("sector \(sector) cannot be read: \(error)")
          return
        }
        let value = values[sector]
        if value < least[sector] || value > image.issued[sector] {
          problems.append(
            "sector \(sector) reads \(value); promised \(least[sector]), "
              + "issued \(image.issued[sector])")
        }
      }
      // Before the legs are equal again, reads come from one of them; when that one fails, from
      // another, which may hold what was there before a write that nobody was promised.
      if !seen.isEmpty, seen != values, legs.areWell { problems.append("two reads differ") }
      seen = values
    }
  }

  /// All background work that can be done now.
  func work(isCleaning: Bool) {
    _ = try? client.withLane { (lane) in
      try? mirror.requestResync(source: nil, on: lane)
      if isCleaning { mirror.durable?.makeCleaningDue() }
      MirrorKeeper(mirror, lane: lane).work { true }
    }
  }

  private func changeFaults() {
    let kinds = CrashLegs.Kind.allCases.filter { _ in Bool.random(using: &random) }
    // Another leg may fail only when this one holds everything.
    let devices = devices
    if mirror.status().letters.allSatisfy({ $0 == "A" }),
      let device = devices.randomElement(using: &random)
    {
      badDevice = device
    }
    legs.setFailing(Set(kinds), leg: badDevice)
  }

  private func takeOutOrBringBack() {
    guard let leg = devices.firstIndex(of: badDevice) else { return }
    let isOut = mirror.status().legs[leg].letter == .takenOut
    _ = try? client.withLane { (lane) throws(Errno) in
      if isOut { try mirror.restore(leg, on: lane) } else { try mirror.fail(leg, on: lane) }
    }.get()
  }

  /// Puts a disk that nobody uses in the place of a leg, or gives that up.
  private func replace() {
    let used = Set(devices)
    let isBusy = mirror.replacement != nil
    let free = image.legs.indices.first { !used.contains($0) } ?? image.legs.count
    if free == image.legs.count, !isBusy {
      legs.add()
      image.apply(.added)
    }
    let leg = Int.random(in: 0..<used.count, using: &random)
    let new = Self.leg("/leg\(free)", sectorCount)
    _ = try? client.withLane { (lane) throws(Errno) in
      if isBusy {
        try mirror.cancelReplacement(on: lane)
      } else {
        try mirror.begin(new, inPlaceOf: leg, on: lane)
      }
    }.get()
  }

  /// Compares the legs; what is in sync is equal.
  private func scrub() {
    _ = try? client.withLane { (lane) in
      try? mirror.requestScrub(nil, isRepair: false, source: nil, on: lane)
    }
    work(isCleaning: false)
    let status = mirror.status()
    if !status.mismatches.isEmpty { problems.append("a false alarm: \(status.mismatches)") }
  }

  /// With all legs well, everything is equal in the end, and nothing is missing.
  func settle(_ least: [UInt64]) {
    legs.setFailing([], leg: 0)
    for leg in mirror.legs.indices {
      _ = try? client.withLane { (lane) throws(Errno) in
        try mirror.restore(leg, on: lane)
      }.get()
    }
    check(least)
    for _ in 0..<3 { work(isCleaning: true) }
    check(least)
    let status = mirror.status()
    if status.state != .inSync { problems.append("not in sync: \(status.letters)") }
    let disks = legs.legs
    let contents = devices.map { disks[$0].map(\.current) }
    if contents.contains(where: { $0 != contents[0] }) { problems.append("the legs differ") }
  }

  private func run(
    _ sectors: Range<Int>, isWrite: Bool,
    _ body: (borrowing HeldRange, SectorRange, UnsafeMutableRawPointer) throws(Errno) -> Void
  ) throws(Errno) {
    let range = SectorRange(
      first: Sector(UInt64(sectors.lowerBound)), count: SectorCount(UInt64(sectors.count)))
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: sectors.count * sectorByteCount, alignment: 4096)
    defer { unsafe memory.deallocate() }
    var failure: Errno?
    do {
      try client.withLane { (lane) throws(Errno) in
        if isWrite {
          try mirror.changing(range, on: lane) { (held) throws(Errno) in
            try unsafe body(held, range, memory)
          }
        } else {
          try mirror.reading(range, on: lane) { (held) throws(Errno) in
            try unsafe body(held, range, memory)
          }
        }
      }.get()
    } catch let error as Errno {
      failure = error
    } catch {
      failure = .ioError
    }
    if let failure { throw failure }
  }
}

extension StateTrace.Event {
  var path: String {
    switch self {
    case .emptied(let path), .wrote(let path, _, _), .resized(let path, _), .synced(let path),
      .renamed(let path, _), .removed(let path), .folderSynced(let path):
      path
    }
  }
}
