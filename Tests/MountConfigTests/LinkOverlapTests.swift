import Foundation
import MountConfig
import Testing

@Suite("S: the same sectors used twice, through names and links")
struct LinkOverlapTests {
  let fixture: ConfigFixture

  init() throws { fixture = try ConfigFixture() }

  private func message(
    _ leg: String, _ sectors: Int, _ file: String, _ other: String, _ place: String
  ) -> String {
    "\(leg) uses \(sectors) sector\(sectors == 1 ? "" : "s") in 'DIR/\(file)' that "
      + "\(other) uses already, at DIR/config.yaml:\(place); give each leg sectors of its own: "
      + "another 'path', or 'start' and 'count' that do not overlap"
  }

  @Test("S: two legs of one volume on the same file")
  func sameFile() {
    fixture.expectVolumeRefusal(
      "legs:\n  - path: a.img\n  - path: §./a.img",
      message("leg 1 of volume 'v'", 2048, "a.img", "leg 0 of volume 'v'", "6:15"))
  }

  @Test("S: legs of two volumes, sharing one sector")
  func twoVolumes() {
    fixture.expectRefusal(
      MarkedText.config(
        """
          x: {legs: [{path: a.img, count: 1025}]}
          y: {legs: [{path: §a.img, start: 1024}]}
        """),
      message("leg 0 of volume 'y'", 1, "a.img", "leg 0 of volume 'x'", "4:21"))
    let apart = MarkedText.config(
      """
        x: {legs: [{path: a.img, count: 1024}]}
        y: {legs: [{path: a.img, start: 1024}]}
      """)
    #expect(fixture.problems(apart).isEmpty)
  }

  @Test("S: symbolic links of the file and of its folder")
  func symbolicLinks() throws {
    try fixture.makeLink("link.img", to: "a.img")
    try fixture.makeLink("here", to: ".")
    fixture.expectVolumeRefusal(
      "legs:\n  - path: a.img\n  - path: §link.img\n  - path: §here/here/a.img",
      message("leg 1 of volume 'v'", 2048, "a.img", "leg 0 of volume 'v'", "6:15"),
      message("leg 2 of volume 'v'", 2048, "a.img", "leg 0 of volume 'v'", "6:15"))
  }

  @Test("S: hard links")
  func hardLinks() throws {
    try FileManager.default.linkItem(atPath: fixture.path("a.img"), toPath: fixture.path("c.img"))
    fixture.expectVolumeRefusal(
      "legs:\n  - path: a.img\n  - path: §c.img",
      message("leg 1 of volume 'v'", 2048, "c.img", "leg 0 of volume 'v'", "6:15"))
  }

  @Test("S: a file that is to be made twice, also through a link of its folder")
  func createdTwice() throws {
    try fixture.makeLink("here", to: ".")
    fixture.expectVolumeRefusal(
      """
      size: 1MiB
      legs:
        - {path: new.img, create: true}
        - {path: §here/new.img, create: true}
      """,
      message("leg 1 of volume 'v'", 2048, "new.img", "leg 0 of volume 'v'", "7:16"))
  }

  @Test("S: an overlap is found beside other problems, and with differing sizes")
  func besideOtherProblems() throws {
    fixture.expectRefusal(
      MarkedText.config(
        """
          v:
            mode: §9
            legs: [{path: a.img}, {path: §§a.img, start: 1}]
        """),
      "'mode' must be permission bits in octal, such as \"0640\", but this is '9'",
      "the legs of 'v' differ in size: leg 0 ('DIR/a.img') has 2048 sectors, leg 1 "
        + "('DIR/a.img') has 2047 sectors; write 'size: 1048064B' to use what all have, or "
        + "'count:' at the larger legs",
      message("leg 1 of volume 'v'", 2047, "a.img", "leg 0 of volume 'v'", "6:19"))
  }
}
