import Foundation
import Glibc
import MountConfig
import Testing

@Suite("S: a leg is refused for what is written or what stands there")
struct LegRefusalTests {
  let fixture: ConfigFixture

  init() throws { fixture = try ConfigFixture() }

  private let advice =
    "write '- path: FILE-OR-DEVICE', and below it 'start:' and 'count:' if needed"
  private let kinds = "a leg must be a regular file or a block device"

  @Test("S: unknown keys of a leg, and those not built yet")
  func keys() {
    let list = "the keys of a leg are path, start, count, create, write_mostly, io, deadline"
    fixture.expectVolumeRefusal(
      """
      legs:
        - §pth: a.img
        - path: a.img
          §wite_mostly: true
          deadline: §soon
          §write_behind: 64MiB
          §connections: 4
        - §uri: nbd://host/export
      """,
      "unknown key 'pth' in a leg (did you mean 'path'?); \(list)",
      "unknown key 'wite_mostly' in a leg (did you mean 'write_mostly'?); \(list)",
      "'deadline' must be a time from 10ms to 24h, such as 30s, or 0s for none",
      "key 'write_behind' of a leg is not built yet in this version; leave it out; "
        + "'write_mostly: true' keeps reads away from a slow leg",
      "key 'connections' of a leg is not built yet in this version; leave it out",
      "key 'uri' of a leg is not built yet in this version; write 'path:' with a file or block "
        + "device (a network leg: attach it as one first)")
  }

  @Test("S: wrong types in a leg")
  func types() {
    let path = "the path of a file or block device, in quotes if it is a number"
    fixture.expectVolumeRefusal(
      """
      legs:
        - §a.img
        - §{}
        - path: §12
        - path:§
        - path: §"a\\0b"
        - path: a.img
          start: §[]
          count: §ten
          create: §1
          write_mostly: §maybe
          io: §mmap
      """,
      "a leg must be a mapping, but this is the text 'a.img'; \(advice)",
      "a leg needs 'path'; \(advice)",
      "'path' must be \(path), but this is the number 12",
      "'path' must be \(path), but this is nothing",
      "'path' is empty or holds a NUL; write \(path)",
      "'start' must be the leg's first sector, such as 2048, but this is a list",
      "'count': 'ten' is not a whole decimal number of sectors, such as 2048, or a size with a "
        + "unit, such as 1MiB",
      "'create' must be 'true' or 'false', but this is the number 1",
      "'write_mostly' must be 'true' or 'false', but this is the text 'maybe'",
      "'io' must be one of auto, direct, buffered, but this is the text 'mmap'")
  }

  @Test("S: start and count are plain sectors, or sizes of whole sectors")
  func sectors() {
    fixture.expectVolumeRefusal(
      "legs: [{path: a.img, start: §-1, count: §0}]",
      "'start': '-1' is negative; write zero or more",
      "'count' is 0; write at least 1, or leave it out to go to the end")
    fixture.expectVolumeRefusal(
      "legs: [{path: a.img, start: §010, count: §100B}]",
      "'start': '010' is not a whole decimal number of sectors, such as 2048, or a size with a "
        + "unit, such as 1MiB",
      "'count': '100B' is not a multiple of the sector, 512 bytes; write 0B or 512B")
    fixture.expectVolumeRefusal(
      "legs: [{path: a.img, start: §18014398509481984, count: §99999999999999999999}]",
      "'start': 18014398509481984 sectors are more than a device can have (8 EiB)",
      "'count': 99999999999999999999 sectors are more than a device can have (8 EiB)")
  }

  @Test("S: a leg that is missing, or no file or block device")
  func kindsOfFile() throws {
    try fixture.makeFolder("folder")
    try fixture.makeLink("dangling", to: "none.img")
    try fixture.makeLink("circle", to: "circle")
    try fixture.makeFile("empty.img", 0)
    try fixture.makeFile("short.img", 511)
    try fixture.makeFifo("fifo")
    fixture.expectVolumeRefusal(
      """
      legs:
        - path: §none.img
        - path: §folder
        - path: §/dev/null
        - path: §fifo
        - path: §dangling
        - path: §circle
        - path: §a.img/below
        - path: §empty.img
        - path: §short.img
      """,
      "'DIR/none.img' does not exist; name an existing file or block device, or write "
        + "'create: true' to have it made",
      "'DIR/folder' is a directory; \(kinds)",
      "'/dev/null' is a character device; \(kinds)",
      "'DIR/fifo' is a fifo; \(kinds)",
      "'DIR/dangling' is a symbolic link to a missing file; correct the link, or name the file "
        + "itself",
      "cannot reach 'DIR/circle': Too many levels of symbolic links (ELOOP); name a file or "
        + "block device that this user may reach",
      "cannot reach 'DIR/a.img/below': Not a directory (ENOTDIR); name a file or block device "
        + "that this user may reach",
      "'DIR/empty.img' holds 0 bytes, less than one sector of 512; name a larger file, or write "
        + "'create: true' for an empty one",
      "'DIR/short.img' holds 511 bytes, less than one sector of 512; name a larger file, or "
        + "write 'create: true' for an empty one")
  }

  @Test("S: create needs a size and a folder that exists")
  func create() throws {
    fixture.expectVolumeRefusal(
      "legs: [{path: new.img, create: §true}]",
      "'create: true' needs the volume's size; write 'size:' in volume 'v'")
    try fixture.makeLink("dangling", to: "none.img")
    fixture.expectVolumeRefusal(
      """
      size: 1MiB
      legs:
        - {path: §none/new.img, create: true}
        - {path: §new/, create: true}
        - {path: §dangling, create: true}
        - {path: §a.img/new, create: true}
        - {path: §new.img, create: true, start: 18014398509481983}
      """,
      "'DIR/none/new.img' cannot be made, because its folder 'DIR/none' does not exist; make the "
        + "folder first",
      "'DIR/new/' ends in '/', but a leg is a file; remove the '/'",
      "'DIR/dangling' is a symbolic link to a missing file; correct the link, or name the file "
        + "itself",
      "cannot reach 'DIR/a.img/new': Not a directory (ENOTDIR); name a file or block device that "
        + "this user may reach",
      "'DIR/new.img' would end past 8 EiB; write a smaller 'start' or 'size'")
  }

  @Test("S: a leg without permission", .enabled(if: geteuid() != 0, "root may read and write all"))
  func permissions() throws {
    try fixture.makeFolder("locked")
    try fixture.setPermissions("locked", 0o555)
    try fixture.setPermissions("a.img", 0o000)
    try fixture.setPermissions("b.img", 0o444)
    let change = "change its permissions, or start mirrorfs as a user who may"
    fixture.expectVolumeRefusal(
      """
      size: 1MiB
      legs:
        - path: §a.img
        - path: §b.img
        - {path: §locked/new.img, create: true}
      """,
      "'DIR/a.img' cannot be read: Permission denied (EACCES); \(change)",
      "'DIR/b.img' cannot be written: Permission denied (EACCES); \(change), or write "
        + "'read_only: true' in the volume",
      "'DIR/locked/new.img' cannot be made in its folder: Permission denied (EACCES); name a "
        + "folder where this user may write")
    #expect(
      fixture.problems(MarkedText.volume("read_only: true\nlegs: [{path: b.img}]")).isEmpty)
  }

  @Test("S: a leg that even root may not write", .enabled(if: geteuid() == 0, "needs root"))
  func immutable() throws {
    guard (try? LoopDevice.run("chattr", "+i", fixture.path("b.img"))) != nil else { return }
    defer { _ = try? LoopDevice.run("chattr", "-i", fixture.path("b.img")) }
    fixture.expectVolumeRefusal(
      "legs: [{path: §b.img}]",
      "'DIR/b.img' cannot be written: Operation not permitted (EPERM); change its permissions, or "
        + "start mirrorfs as a user who may, or write 'read_only: true' in the volume")
  }
}
