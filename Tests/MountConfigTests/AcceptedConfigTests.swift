import BlockIO
import Foundation
import Glibc
import MountConfig
import Testing

@Suite("F1, F7: what a config that is accepted says")
struct AcceptedConfigTests {
  let fixture: ConfigFixture

  init() throws { fixture = try ConfigFixture() }

  @Test("F7: keys left out have their defaults; owner and group are the caller's")
  func defaults() throws {
    let config = try fixture.load(
      "version: 1\nstate_directory: state\nvolumes:\n  v:\n    legs:\n      - path: a.img\n")
    #expect(config.file == fixture.path("config.yaml"))
    #expect(config.stateDirectory == fixture.path("state"))
    #expect(config.stateDirectoryMark == SourceMark(line: 2, column: 18))
    #expect(config.engine == .auto)
    #expect(config.transport == .auto)
    #expect(!config.allowOther)
    let volume = try #require(config.volumes.first)
    #expect(volume.name == "v")
    #expect(volume.mark == SourceMark(line: 4, column: 3))
    #expect(volume.readPolicy == .primary)
    #expect(volume.writeQuorum == 1)
    #expect(volume.mode == 0o644)
    #expect(volume.owner == getuid())
    #expect(volume.group == getgid())
    #expect(volume.truncate == .zero)
    #expect(!volume.readOnly)
    let leg = try #require(volume.legs.first)
    #expect(leg.path == fixture.path("a.img"))
    #expect(leg.mark == SourceMark(line: 6, column: 9))
    #expect(leg.firstSector == Sector(0))
    #expect(!leg.create && !leg.writeMostly)
    #expect(leg.access == .auto)
    #expect(leg.deadlineMilliseconds == 30_000)
    #expect(volume.onNoSpace == .stale)
    #expect(volume.onAllFailed == .error)
    #expect(volume.cache == .writethrough)
  }

  @Test("F7: every key is read")
  func everyKey() throws {
    let config = try fixture.load(
      """
      version: 1
      state_directory: \(fixture.folder)/state
      engine: threads
      transport: uring
      allow_other: true
      volumes:
        db.img:
          size: 512KiB
          legs:
            - {path: a.img, start: 8, count: 2000, write_mostly: true, io: direct}
            - {path: "\(fixture.folder)/new.img", create: true, write_mostly: true, io: buffered}
          read_policy: least-pending
          write_quorum: 2
          mode: 0600
          owner: root
          group: "12345"
          truncate: refuse
          read_only: true
          initial_sync: assume-in-sync
          intent: off
        a volume ö:
          legs: [{path: b.img}]
          read_policy: round-robin
          truncate: ignore
          intent: "off"
          owner: 54321
      """)
    #expect(config.engine == .threads)
    #expect(config.transport == .uring)
    #expect(config.allowOther)
    #expect(config.volumes.map(\.name) == ["db.img", "a volume ö"])
    let volume = config.volumes[0]
    #expect(volume.sectorCount == SectorCount(1024))
    #expect(volume.readPolicy == .leastPending)
    #expect(volume.writeQuorum == 2)
    #expect(volume.mode == 0o600)
    #expect(volume.owner == 0)
    #expect(volume.group == 12345)
    #expect(volume.truncate == .refuse)
    #expect(volume.readOnly)
    #expect(volume.legs.map(\.access) == [.direct, .buffered])
    // All legs may be write-mostly.
    #expect(volume.legs.map(\.writeMostly) == [true, true])
    #expect(volume.legs.map(\.create) == [false, true])
    #expect(config.volumes[1].readPolicy == .roundRobin)
    #expect(config.volumes[1].truncate == .ignore)
    #expect(config.volumes[1].owner == 54321)
  }

  @Test(
    "F7: ways to write a mode",
    arguments: [
      ("\"0640\"", 0o640), ("\"640\"", 0o640), ("0640", 0o640), ("0o640", 0o640), ("'0'", 0),
      ("0777", 0o777),
    ])
  func modes(written: String, mode: UInt32) throws {
    let config = try fixture.load(MarkedText.volume("mode: \(written)\nlegs: [{path: a.img}]"))
    #expect(config.volumes[0].mode == mode)
  }

  @Test("S: relative paths start from the config's folder, not the working directory")
  func relativePaths() throws {
    try fixture.makeFolder("sub")
    let text = MarkedText.volume("legs: [{path: ../a.img}, {path: .//b.img}]")
      .replacing("../a", with: "sub/../a")
    let config = try fixture.load(text)
    #expect(
      config.volumes[0].legs.map(\.path) == [fixture.path("sub/../a.img"), fixture.path("b.img")])
  }

  @Test("S: problems found later have the same form")
  func laterProblems() throws {
    let config = try fixture.load(MarkedText.volume("legs: [{path: a.img}]"))
    let problem = config.problem(at: config.volumes[0].legs[0].mark, "in use")
    #expect("\(problem)" == "\(fixture.path("config.yaml")):5:12: error: in use")
    let list = ConfigProblems([problem, config.problem(at: SourceMark(line: 2, column: 9), "x")])
    #expect(list.problems.map(\.message) == ["x", "in use"])
  }

  @Test("S: root's state directory", .enabled(if: geteuid() == 0, "only root's default is fixed"))
  func stateDirectoryOfRoot() throws {
    let config = try fixture.load("version: 1\nvolumes: {v: {legs: [{path: a.img}]}}\n")
    #expect(config.stateDirectory == "/var/lib/mirrorfs")
    #expect(config.stateDirectoryMark == SourceMark(line: 1, column: 1))
  }

  @Test("S: a user's state directory", .enabled(if: geteuid() != 0, "root has another one"))
  func stateDirectoryOfUser() throws {
    unsafe setenv("XDG_STATE_HOME", fixture.path("xdg"), 1)
    defer { unsafe unsetenv("XDG_STATE_HOME") }
    let config = try fixture.load("version: 1\nvolumes: {v: {legs: [{path: a.img}]}}\n")
    #expect(config.stateDirectory == fixture.path("xdg/mirrorfs"))
  }
}
