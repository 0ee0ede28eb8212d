import BlockIO
import Foundation
import MountConfig
import Testing

@Suite("The samples in mount-config/ are loaded by the real loader")
struct SampleTests {
  let fixture: ConfigFixture

  init() throws { fixture = try ConfigFixture() }

  private static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "mount-config")

  /// The sample's text with its places moved into the fixture's folder.
  private func sample(_ name: String, _ places: [String: String]) throws -> String {
    var text = try String(contentsOf: Self.folder.appending(path: name), encoding: .utf8)
    for (place, replacement) in places {
      #expect(text.contains(place))
      text = text.replacing(place, with: replacement)
    }
    return text
  }

  @Test("F1: two-files.yaml")
  func twoFiles() throws {
    try fixture.makeFolder("srv/disk1")
    try fixture.makeFolder("srv/disk2")
    let text = try sample("two-files.yaml", ["/srv/": fixture.path("srv/")])
    let config = try fixture.load(text + "state_directory: \(fixture.path("state"))\n")
    #expect(config.volumes.map(\.name) == ["data.img"])
    #expect(config.volumes[0].sectorCount.byteCount == 1 << 30)
    #expect(config.volumes[0].legs.map(\.create) == [true, true])
  }

  @Test("F1: three-legs-write-mostly.yaml")
  func threeLegs() throws {
    for name in ["ssd1", "ssd2", "slow"] { try fixture.makeFolder("srv/\(name)") }
    let config = try fixture.load(
      sample(
        "three-legs-write-mostly.yaml",
        ["/srv/": fixture.path("srv/"), "/var/lib/mirrorfs": fixture.path("state")]))
    #expect(config.volumes[0].legs.map(\.writeMostly) == [false, false, true])
    #expect(config.volumes[0].writeQuorum == 2)
    #expect(config.allowOther)
  }

  @Test(
    "F1: two-block-devices.yaml, on loop devices",
    .enabled(if: LoopDevice.isPossible, LoopDevice.reason))
  func twoBlockDevices() throws {
    try fixture.makeFile("sdb.img", 200 << 20)
    try fixture.makeFile("sdc.img", 200 << 20)
    let sdb = try LoopDevice(fixture.path("sdb.img"))
    let sdc = try LoopDevice(fixture.path("sdc.img"))
    let text = try sample("two-block-devices.yaml", ["/dev/sdb": sdb.path, "/dev/sdc": sdc.path])
    let config = try fixture.load(text + "state_directory: \(fixture.path("state"))\n")
    #expect(config.volumes.map(\.sectorCount.byteCount) == [100 << 20, 50 << 20])
    #expect(config.volumes[0].legs.map(\.firstSector) == [Sector(2048), Sector(2048)])
    #expect(config.volumes[1].legs.map(\.firstSector) == [Sector(206848), Sector(206848)])
  }

  @Test("F1: two-block-devices.yaml, on files of that size")
  func twoBlockDevicesAsFiles() throws {
    try fixture.makeFile("sdb", 200 << 20)
    try fixture.makeFile("sdc", 200 << 20)
    let text = try sample("two-block-devices.yaml", ["/dev/": fixture.path("")])
    let config = try fixture.load(text + "state_directory: \(fixture.path("state"))\n")
    #expect(config.volumes.map(\.sectorCount.byteCount) == [100 << 20, 50 << 20])
  }

  @Test("S: the grammar's example in README.md is accepted as it stands")
  func readme() throws {
    let readme = try String(
      contentsOf: Self.folder.appending(path: "README.md"), encoding: .utf8)
    let parts = readme.components(separatedBy: "```")
    let yaml = try #require(parts.dropFirst().first).dropFirst("yaml\n".count)
    try fixture.makeFolder("legs")
    try fixture.makeFile("sdb", 200 << 20)
    var text = String(yaml)
    for (place, replacement) in [
      "/dev/sdb": fixture.path("sdb"), "/var/lib/mirrorfs": fixture.path("state"),
      "postgres": "root", "user: mirrorfs": "user: \(NSUserName())",
    ] {
      text = text.replacing(place, with: replacement)
    }
    let config = try fixture.load(text)
    #expect(config.volumes[0].legs.map(\.sectorCount.rawValue) == [204800, 204800])
  }
}
