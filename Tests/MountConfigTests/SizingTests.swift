import BlockIO
import MountConfig
import Testing

@Suite("S: regions stay inside their legs and agree with the volume's size")
struct SizingTests {
  let fixture: ConfigFixture

  init() throws { fixture = try ConfigFixture() }

  @Test("S: a start at or past the end of the leg")
  func startPastEnd() {
    fixture.expectVolumeRefusal(
      "legs: [{path: a.img, start: §2048}, {path: b.img, start: §1TiB}]",
      "'start' is 2048, but 'DIR/a.img' ends at sector 2048; write less than 2048",
      "'start' is 2147483648, but 'DIR/b.img' ends at sector 2048; write less than 2048")
    #expect(fixture.problems(MarkedText.volume("legs: [{path: a.img, start: 2047}]")).isEmpty)
  }

  @Test("S: a count past the end of the leg")
  func countPastEnd() {
    fixture.expectVolumeRefusal(
      "legs: [{path: a.img, start: 48, count: §2001}, {path: b.img, count: §2MiB}]",
      "the region 48+2001 goes past the end of 'DIR/a.img', sector 2048; write 'count: 2000' or "
        + "less, or leave it out to go to the end",
      "the region 0+4096 goes past the end of 'DIR/b.img', sector 2048; write 'count: 2048' or "
        + "less, or leave it out to go to the end")
  }

  @Test("S: a size past the end of the leg")
  func sizePastEnd() {
    fixture.expectVolumeRefusal(
      "size: 1MiB\nlegs: [{path: a.img, start: §1}, {path: b.img}]",
      "the region 1+2048 goes past the end of 'DIR/a.img', sector 2048; write 'size: 1048064B' or "
        + "less, a smaller 'start', or name a larger leg")
    fixture.expectVolumeRefusal(
      "size: 2MiB\nlegs: [{path: §a.img, create: true}]",
      "the region 0+4096 goes past the end of 'DIR/a.img', sector 2048; write 'size: 1048576B' or "
        + "less, a smaller 'start', or name a larger leg")
  }

  @Test("S: a count less than the volume's size")
  func countBelowSize() {
    fixture.expectVolumeRefusal(
      "size: 512KiB\nlegs: [{path: a.img, count: §1023}, {path: b.img, count: 1024}]",
      "'count' is 1023 sectors, but the volume's 'size' is 1024; write 'count: 1024' or more, or "
        + "leave it out")
  }

  @Test("S: legs of different sizes without size: each is named")
  func differingSizes() throws {
    try fixture.makeFile("c.img", ConfigFixture.legByteCount + 1024)
    fixture.expectRefusal(
      MarkedText.config("  v:\n    legs: [{path: a.img}, {path: §b.img, start: 8}, {path: c.img}]"),
      "the legs of 'v' differ in size: leg 0 ('DIR/a.img') has 2048 sectors, leg 1 ('DIR/b.img') "
        + "has 2040 sectors, leg 2 ('DIR/c.img') has 2050 sectors; write 'size: 1044480B' to use "
        + "what all have, or 'count:' at the larger legs")
  }

  @Test("F1: without size, a volume is as large as its legs from start on")
  func commonSize() throws {
    // The ragged end of a file holds no whole sector.
    try fixture.makeFile("c.img", ConfigFixture.legByteCount + 4096 + 511)
    let config = try fixture.load(
      MarkedText.volume("legs: [{path: a.img}, {path: c.img, start: 8}]"))
    #expect(config.volumes[0].sectorCount == SectorCount(2048))
    #expect(config.volumes[0].legs.map(\.firstSector) == [Sector(0), Sector(8)])
    #expect(config.volumes[0].legs.map(\.sectorCount) == [SectorCount(2048), SectorCount(2048)])
  }

  @Test("F1: with size, larger legs and counts give just that")
  func sizeBelowLegs() throws {
    let config = try fixture.load(
      MarkedText.volume(
        "size: 4 KiB\nlegs: [{path: a.img, count: 1MiB}, {path: b.img, start: 1KiB}]"))
    #expect(config.volumes[0].sectorCount == SectorCount(8))
    #expect(config.volumes[0].legs.map(\.sectorCount) == [SectorCount(8), SectorCount(8)])
    #expect(config.volumes[0].legs[1].firstSector == Sector(2))
  }

  @Test("S: create makes nothing, takes an empty file for a missing one, and others as they are")
  func create() throws {
    try fixture.makeFile("empty.img", 0)
    let before = try fixture.listing()
    let config = try fixture.load(
      MarkedText.volume(
        """
        size: 1MiB
        legs:
          - {path: new.img, create: true, start: 8}
          - {path: empty.img, create: true}
          - {path: a.img, create: true}
          - {path: b.img}
        """))
    #expect(config.volumes[0].legs.map(\.create) == [true, true, true, false])
    #expect(config.volumes[0].legs[0].path == fixture.path("new.img"))
    #expect(try fixture.listing() == before)
  }
}
