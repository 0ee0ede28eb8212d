internal import BlockIO
internal import DMIO
internal import Glibc

/// Slow and hung legs (rule M12).
extension MirrorSet {
  /// Runs a request under its legs' deadlines. A leg that misses its own is slow from then on:
  /// passed by until all that it was asked has ended, and it has answered again.
  ///
  /// - Parameters:
  ///   - part: the sectors of the volume that it is about.
  ///   - legs: on which legs the request's regions lie.
  func run(
    _ request: IORequest, _ part: SectorRange, deadlines: Deadlines,
    legs: RegionLegs = .byNumber, on lane: IOLane
  ) -> LegOutcome {
    let begin = beginOfRequest()
    do throws(IORequestError) {
      let result = try lane.perform(request, deadlines: deadlines)
      return conclude(result, request.operation, part, legs: legs, begin: begin, on: lane)
    } catch {
      preconditionFailure("the mirror made a bad request: \(error)")
    }
  }

  /// The same for several requests side by side, one a leg.
  func run(
    _ requests: [IORequest], _ part: SectorRange, legs: [Int], on lane: IOLane
  ) -> LegOutcome {
    let table = table
    let begin = beginOfRequest()
    do throws(IORequestError) {
      let results = try lane.perform(
        all: requests, deadlines: legs.map { table.readDeadlines[$0] })
      var outcome = LegOutcome()
      for (index, result) in results.enumerated() {
        outcome.formUnion(
          conclude(
            result, requests[index].operation, part, legs: .one(legs[index]), begin: begin, on: lane
          ))
      }
      return outcome
    } catch {
      preconditionFailure("the mirror made a bad request: \(error)")
    }
  }

  /// Draws from a result what it says of time. Right after the request, before the lane polls.
  private func conclude(
    _ result: IOResult, _ operation: Operation, _ part: SectorRange, legs: RegionLegs,
    begin: UInt64, on lane: IOLane
  ) -> LegOutcome {
    guard !result.isSuccess else { return LegOutcome() }
    let outcome = LegOutcome(result, legs)
    report(outcome, result, operation, part, begin: begin)
    if !result.lateBits.isEmpty {
      noteLate(outcome.late, operation, part)
      // A leg may be replaced meanwhile; its descriptor stays open while the kernel has it.
      let (late, held) = withHealth { health in
        (outcome.late.indices.map { health.legs[$0].identifier }, table.legs)
      }
      lane.whenLateEnds(result) { [weak self] in
        withExtendedLifetime(held) { self?.noteLateEnd(late) }
      }
    }
    return outcome
  }

  private func noteLate(_ late: LegBits, _ operation: Operation, _ part: SectorRange) {
    let time = time(nil)
    update { health in
      let now = Pace.now()
      let known = health.slowLegs
      for index in late.indices {
        health.legs[index].lateCount += 1
        health.legs[index].isSlow = true
        health.legs[index].lastError = LegError(
          error: .timedOut, operation: operation, sectors: part, time: time)
        if !known.contains(index: index) { health.legs[index].retry.noteFailure(now) }
      }
      let new = late.subtracting(known)
      guard !new.isEmpty else { return }
      // No flush reaches them from here on, as if one had failed.
      countFlushFailure()
      if !health.noteFlushFailure(new, unflushed: unflushed(), isSlow: true) {
        health.unreportedLoss = .timedOut
      }
    }
    durable?.wantsCommit()
  }

  private func noteLateEnd(_ late: [UInt64]) {
    update { health in
      for index in health.legs.indices where late.contains(health.legs[index].identifier) {
        health.legs[index].lateCount -= 1
      }
    }
    wakeKeeper()
  }

  /// The legs of `targets` that are slow: nothing may be sent to them, because what they were sent
  /// before may still arrive after it.
  func slow(_ targets: LegBits) -> LegBits {
    isTroubled ? withHealth { $0.slowLegs }.intersection(targets) : []
  }
}

extension MirrorKeeper {
  /// Looks whether a slow leg answers again; if so, it is in service again, and resynced.
  func probe(_ index: Int, now: Double) {
    guard prepareReturn(of: index, now: now) else { return }
    let block = SectorCount(UInt64(set.logicalBlockByteCount / sectorByteCount))
    let range = SectorRange(first: Sector(0), count: block)
    _ = look(range) { (_) throws(Errno) in
      let outcome = unsafe set.readSlowLeg(
        index, of: table, range, into: buffers[index], on: lane)
      guard outcome.late.isEmpty else { return }
      // One that answers with an error is no longer slow, but a leg that fails.
      set.update { health in
        health.legs[index].isSlow = false
        if outcome.isSuccess, health.legs[index].stale.isEmpty { health.legs[index].retry.reset() }
        health.legs[index].forgetCauses()
      }
    }
  }
}
