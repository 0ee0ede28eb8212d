import BlockIO
import Foundation
import MountConfig
import Testing

@Suite(
  "S: block devices, looked through to the file below them", .serialized,
  .enabled(if: LoopDevice.isPossible, LoopDevice.reason))
struct DeviceTests {
  let fixture: ConfigFixture

  init() throws {
    fixture = try ConfigFixture()
    try fixture.makeFile("disk.img", 8 << 20)
  }

  private func message(
    _ leg: Int, _ sectors: Int, _ other: Int, _ place: String, file: String = "disk.img"
  ) -> String {
    "leg \(leg) of volume 'v' uses \(sectors) sector\(sectors == 1 ? "" : "s") "
      + "in 'DIR/\(file)' that leg \(other) of volume 'v' uses already, at "
      + "DIR/config.yaml:\(place); give each leg sectors of its own: "
      + "another 'path', or 'start' and 'count' that do not overlap"
  }

  @Test("F1: a block device's size is the volume's")
  func size() throws {
    let loop = try LoopDevice(fixture.path("disk.img"))
    let config = try fixture.load(MarkedText.volume("legs: [{path: \(loop.path), start: 2048}]"))
    #expect(config.volumes[0].sectorCount == SectorCount(16384 - 2048))
    #expect(config.volumes[0].legs[0].path == loop.path)
    fixture.expectVolumeRefusal(
      "legs: [{path: \(loop.path), start: §16384}]",
      "'start' is 16384, but '\(loop.path)' ends at sector 16384; write less than 16384")
  }

  @Test("S: a loop device and its file, two loop devices of a file, a loop device on another")
  func loopDevices() throws {
    let whole = try LoopDevice(fixture.path("disk.img"))
    let tail = try LoopDevice(fixture.path("disk.img"), "--offset", "\(4 << 20)")
    let nested = try LoopDevice(whole.path, "--offset", "\(6 << 20)")
    fixture.expectVolumeRefusal(
      """
      size: 2MiB
      legs:
        - {path: disk.img, start: 4MiB}
        - {path: §\(whole.path), start: 12287}
        - {path: §\(tail.path), start: 1}
        - {path: §\(nested.path)}
        - {path: §\(tail.path), start: 2MiB}
        - {path: \(whole.path), start: 0}
        - {path: \(tail.path), start: §4MiB}
      """,
      message(1, 1, 0, "7:16"), message(2, 4095, 0, "7:16"), message(3, 4095, 1, "8:16"),
      message(4, 4095, 1, "8:16"),
      "'start' is 8192, but '\(tail.path)' ends at sector 8192; write less than 8192")
  }

  @Test("S: partitions of a device, by their place on it")
  func partitions() throws {
    let loop = try LoopDevice(fixture.path("disk.img"), "--partscan")
    guard let first = try? loop.addPartition(1, firstSector: 2048, sectorCount: 4096),
      let second = try? loop.addPartition(2, firstSector: 8192, sectorCount: 4096)
    else {
      try Test.cancel("the kernel adds no partitions to loop devices here")
    }
    #expect(
      fixture.problems(MarkedText.volume("legs: [{path: \(first)}, {path: \(second)}]")).isEmpty)
    fixture.expectVolumeRefusal(
      """
      size: 1MiB
      legs:
        - {path: \(first), start: 100}
        - {path: §\(loop.path), start: 2147}
        - {path: \(loop.path), start: 4196}
        - {path: §disk.img, start: 8191}
        - {path: §\(second), start: 2046}
      """.replacing("{path: §disk", with: "{path: disk"),
      message(1, 2047, 0, "7:16"), message(4, 1, 3, "10:16"))
  }

  @Test("S: another node of the same device, and a symbolic link to it")
  func otherNodes() throws {
    let loop = try LoopDevice(fixture.path("disk.img"))
    let status = try LoopDevice.run("stat", "--format", "%Hr %Lr", loop.path).split(separator: " ")
    try LoopDevice.run("mknod", fixture.path("node"), "b", String(status[0]), String(status[1]))
    try fixture.makeLink("link", to: loop.path)
    fixture.expectVolumeRefusal(
      "legs:\n  - path: \(loop.path)\n  - path: §node\n  - path: §link",
      message(1, 16384, 0, "6:15"), message(2, 16384, 0, "6:15"))
  }

  @Test("S: a loop device whose file's name was given to another file")
  func renamedBacking() throws {
    let loop = try LoopDevice(fixture.path("disk.img"))
    try FileManager.default.linkItem(
      atPath: fixture.path("disk.img"), toPath: fixture.path("true.img"))
    try FileManager.default.removeItem(atPath: fixture.path("disk.img"))
    // What sysfs shows as the loop device's file from now on, but is not.
    try fixture.makeFile("disk.img (deleted)", 8 << 20)
    #expect(
      fixture.problems(
        MarkedText.volume("legs: [{path: \(loop.path)}, {path: disk.img (deleted)}]")
      ).isEmpty)
    fixture.expectVolumeRefusal(
      "legs:\n  - path: \(loop.path)\n  - path: §true.img",
      message(1, 16384, 0, "6:15", file: "true.img"))
  }

  @Test("S: a start that is no multiple of the logical block")
  func alignment() throws {
    let loop = try LoopDevice(fixture.path("disk.img"), "--sector-size", "4096")
    fixture.expectVolumeRefusal(
      "legs: [{path: \(loop.path), start: §2044}, {path: \(loop.path), start: §2047}]"
        .replacing("start: §2044", with: "start: 2040, count: 8"),
      "'start' is 2047, but '\(loop.path)' has logical blocks of 8 sectors; write a multiple, such "
        + "as 2040 or 2048")
  }

  @Test("S: a device that is read-only, or that has nothing attached")
  func unusableDevices() throws {
    let loop = try LoopDevice(fixture.path("disk.img"), "--read-only")
    fixture.expectVolumeRefusal(
      "legs: [{path: §\(loop.path)}]",
      "the device '\(loop.path)' is read-only; name another, or write 'read_only: true' in the "
        + "volume")
    let readOnly = MarkedText.volume("read_only: true\nlegs: [{path: \(loop.path)}]")
    #expect(fixture.problems(readOnly).isEmpty)
    let free = try LoopDevice.run("losetup", "--find")
    fixture.expectVolumeRefusal(
      "legs: [{path: §\(free)}]",
      "the device '\(free)' is empty; attach something, or name another")
  }

  @Test("S: a loop device whose file lies in the mount point")
  func backingInMountPoint() throws {
    try fixture.makeFolder("mnt")
    try fixture.makeFile("mnt/disk.img", 1 << 20)
    let loop = try LoopDevice(fixture.path("mnt/disk.img"))
    fixture.expectRefusal(
      MarkedText.config("  v: {legs: [{path: §\(loop.path)}]}"),
      "the leg 'DIR/mnt/disk.img' lies inside the mount point 'DIR/mnt', where the mount would "
        + "hide it; write a path outside, or mount elsewhere",
      mountPoint: fixture.path("mnt"))
  }
}
