import MountConfig
import Testing

@Suite("S: nothing of the mount lies inside its own mount point")
struct MountPointTests {
  let fixture: ConfigFixture

  init() throws {
    fixture = try ConfigFixture()
    try fixture.makeFolder("mnt/deep")
    try fixture.makeFolder("mnt2")
    try fixture.makeFile("mnt/deep/c.img", ConfigFixture.legByteCount)
    try fixture.makeFile("mnt2/d.img", ConfigFixture.legByteCount)
  }

  private func message(_ noun: String, _ path: String) -> String {
    "\(noun) 'DIR/\(path)' lies inside the mount point 'DIR/mnt', where the mount would hide it; "
      + "write a path outside, or mount elsewhere"
  }

  @Test("S: a leg below the mount point; a neighbour with the same start of its name is not")
  func leg() {
    fixture.expectRefusal(
      MarkedText.config("  v: {legs: [{path: §mnt/deep/c.img}, {path: mnt2/d.img}]}"),
      message("the leg", "mnt/deep/c.img"), mountPoint: fixture.path("mnt"))
  }

  @Test("S: through links of the leg, of its folder and of the mount point")
  func links() throws {
    try fixture.makeLink("leg.img", to: "mnt/deep/c.img")
    try fixture.makeLink("way", to: "mnt/deep")
    try fixture.makeLink("point", to: "mnt")
    fixture.expectRefusal(
      MarkedText.config(
        """
          v: {legs: [{path: §leg.img, count: 1}]}
          w: {legs: [{path: §way/c.img, start: 1, count: 1}]}
          x: {legs: [{path: §mnt2/../mnt/deep/c.img, start: 2, count: 1}]}
        """),
      message("the leg", "mnt/deep/c.img"), message("the leg", "mnt/deep/c.img"),
      message("the leg", "mnt/deep/c.img"), mountPoint: fixture.path("point") + "/")
  }

  @Test("S: a leg that is to be made below the mount point")
  func createdLeg() throws {
    try fixture.makeLink("way", to: "mnt/deep")
    fixture.expectRefusal(
      MarkedText.config("  v: {size: 1MiB, legs: [{path: §way/new.img, create: true}]}"),
      message("the leg", "mnt/deep/new.img"), mountPoint: fixture.path("mnt"))
  }

  @Test("S: a state directory below the mount point, there or not yet")
  func stateDirectory() throws {
    try fixture.makeLink("way", to: "mnt/deep")
    fixture.expectRefusal(
      MarkedText.config("  v: {legs: [{path: a.img}]}", state: "§way/new/state"),
      message("the state directory", "mnt/deep/new/state"), mountPoint: fixture.path("mnt"))
    fixture.expectRefusal(
      MarkedText.config("  v: {legs: [{path: a.img}]}", state: "§mnt"),
      message("the state directory", "mnt"), mountPoint: fixture.path("mnt"))
  }

  @Test("S: a mount point that does not exist, or is not known, is no error here")
  func otherMountPoints() {
    let text = MarkedText.config("  v: {legs: [{path: mnt/deep/c.img}]}")
    #expect(fixture.problems(text, mountPoint: fixture.path("none")).isEmpty)
    #expect(fixture.problems(text, mountPoint: "none").isEmpty)
    #expect(fixture.problems(text, mountPoint: nil).isEmpty)
    #expect(fixture.problems(text, mountPoint: "/").count == 2)
  }
}
