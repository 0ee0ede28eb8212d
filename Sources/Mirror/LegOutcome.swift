internal import BlockIO
internal import DMIO

/// A leg that failed, and why.
struct LegFailure {
  let leg: Int
  let error: Errno
}

/// How one request to several legs ended, by leg.
///
/// Made from the engine's result right where the request was made, so that the regions of a request
/// and the legs of a volume are never taken for each other.
struct LegOutcome {
  /// The legs that failed.
  private(set) var failed: LegBits = []
  /// Why, in the order in which they came to light.
  private(set) var failures: [LegFailure] = []

  /// Those of them that missed their deadline and have not ended.
  private(set) var late: LegBits = []

  init() {}

  /// One leg's failure.
  init(leg: Int, _ error: Errno) {
    failed.insert(index: leg)
    failures = [LegFailure(leg: leg, error: error)]
  }

  init(_ result: IOResult, _ legs: RegionLegs = .byNumber) {
    for failure in result.failures {
      let leg = legs[failure.regionIndex]
      failed.insert(index: leg)
      failures.append(LegFailure(leg: leg, error: failure.error))
      if result.lateBits.contains(index: failure.regionIndex) { late.insert(index: leg) }
    }
  }

  /// Legs that were not asked, because they are slow.
  init(slow legs: LegBits) {
    failed = legs
    failures = legs.indices.map { LegFailure(leg: $0, error: .timedOut) }
  }

  var isSuccess: Bool { failed.isEmpty }

  mutating func formUnion(_ other: LegOutcome) {
    failed.formUnion(other.failed)
    late.formUnion(other.late)
    failures.append(contentsOf: other.failures)
  }

  /// What a caller is told: ENOSPC only where every failing leg is full (rule M5).
  var errorForCaller: Errno {
    let isFull = failures.allSatisfy { $0.error.isForWantOfSpace }
    if isFull, !failures.isEmpty { return .noSpace }
    return failures.first { !$0.error.isForWantOfSpace }?.error ?? .ioError
  }
}

/// On which leg each region of a request lies.
enum RegionLegs {
  /// Region n is leg n.
  case byNumber
  /// All the regions that there are, which is one.
  case one(Int)
  case listed([Int])

  subscript(region: Int) -> Int {
    switch self {
    case .byNumber: region
    case .one(let leg): leg
    case .listed(let legs): legs[region]
    }
  }
}

extension Errno {
  var isForWantOfSpace: Bool { self == .noSpace || self == .quota }
}
