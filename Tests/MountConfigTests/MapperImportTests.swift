import BlockIO
import Testing

@testable import MountConfig

@Suite("Configs from what `dmsetup table` prints")
struct MapperImportTests {
  private func read(_ text: String, name: String? = nil) throws(ConfigProblems) -> String {
    try MapperImport(text, file: "t", name: name) { number in
      ["1:0": "/dev/ram0", "1:1": "/dev/ram1", "254:0": "/dev/mapper/low"][number]
    }.text
  }

  private func problems(_ text: String, name: String? = nil) -> String {
    do { return try read(text, name: name) } catch { return error.description }
  }

  @Test("A mirror becomes a volume that is compared first")
  func mirror() throws {
    let text = try read(
      "vg-db: 0 65536 mirror core 2 1024 nosync 2 1:0 0 1:1 2048 1 handle_errors\n")
    for line in [
      "  vg-db:    # mirror, line 1", "    size: 32MiB", "      - path: /dev/ram0    # 1:0",
      "        start: 2048", "        count: 65536", "    initial_sync: verify",
      "    chunk: 512KiB    # a region of the kernel's log",
    ] {
      #expect(text.split(separator: "\n").contains { $0 == line }, "\(line)")
    }
  }

  @Test("Lines without a name want one; odd names and comments are understood")
  func names() throws {
    let line = "0 8 linear 1:0 0"
    #expect(problems(line).hasPrefix("t:1:1: error: the line has no name"))
    #expect(try read(line, name: "db.img").contains("\n  db.img:"))
    #expect(try read("# all of them\n\na: b c: \(line)\r\n").contains("\n  \"a: b c\":"))
    #expect(problems("../x: \(line)").contains("no name for a volume"))
    #expect(problems("x: \(line)\nx: \(line)").hasPrefix("t:2:1: error: 'x' stands in line 1"))
    #expect(problems("x:").contains("there is no table"))
    #expect(problems("").contains("there is no table here"))
  }

  @Test("Paths, with blanks in them, and devices that are not there")
  func devices() throws {
    #expect(try read("x: 0 8 linear /dev/my\\ disk 0").contains("path: \"/dev/my disk\""))
    #expect(problems("x: 0 8 linear 7:9 0").hasPrefix("t:1:15: error: there is no device '7:9'"))
  }

  @Test("A device below a mirror is no volume of its own")
  func layers() throws {
    let text = try read(
      """
      low: 0 65536 linear 1:0 0
      high: 0 65536 mirror core 1 1024 2 254:0 0 1:1 0
      """)
    #expect(text.contains("# 'low' is a leg of another"))
    #expect(!text.contains("\n  low:"))
    #expect(text.contains("path: /dev/mapper/low"))
  }

  @Test("raid1 of dm-raid")
  func raid() throws {
    let text = try read("r: 0 65536 raid raid1 5 0 region_size 1024 write_mostly 1 2 - 1:0 - 1:1")
    #expect(text.contains("        count: 65536\n        write_mostly: true"))
    #expect(problems("r: 0 8 raid raid5_ls 1 128 3 - 1:0 - 1:1 - 1:0").contains("only raid1"))
    #expect(problems("r: 0 8 raid raid1 1 0 2 - 1:0 - -").contains("leg 1 is missing"))
    #expect(
      problems("r: 0 8 raid raid1 3 0 rebuild 1 2 - 1:0 - 1:1").contains("is being rebuilt"))
    #expect(
      problems("r: 0 8 raid raid1 3 0 data_offset 8 2 - 1:0 - 1:1").contains("'data_offset'"))
  }

  @Test("Everything that is not understood is told at once, with its place")
  func refusals() {
    let said = problems(
      """
      a: 0 65536 crypt aes-xts-plain64 :64:logon:x 0 8:1 0
      b: 1024 65536 linear 1:0 0
      c: 0 65536 mirror clustered-core 1 1024 2 1:0 0 1:1 0
      d: 0 65536 mirror core 1 1000 2 1:0 0 1:1 0
      e: 0 65536 mirror core 2 1024 maybe 2 1:0 0 1:1 0
      f: 0 65536 mirror core 1 1024 2 1:0 0 1:1
      g: 0 65536 mirror core 1 1024 2 1:0 0 1:1 0 1 fast
      h: 0 65536 linear 1:0 0 0
      i: 0 0 linear 1:0 0
      No devices found
      """
    ).split(separator: "\n")
    let places = said.map { $0.split(separator: " ")[0] }
    #expect(
      places == [
        "t:1:12:", "t:2:4:", "t:3:19:", "t:4:26:", "t:5:31:", "t:6:42:", "t:7:47:", "t:8:25:",
        "t:9:4:", "t:10:1:",
      ])
    #expect(said[0].contains("not of 'crypt'"))
    #expect(said[9].contains("not the first sector"))
  }

  @Test("What we write, we read")
  func roundTrip() throws {
    let table = try MapperTable(
      legs: [
        MapperTable.Leg(path: "/dev/a b", firstSector: .init(2048)),
        MapperTable.Leg(path: "/dev/sdb", firstSector: .init(0)),
      ], sectorCount: .init(204_800), chunk: .init(8192), areLegsEqual: true)
    let text = try read("db.img: \(table.line)")
    #expect(text.contains("\n  db.img:"))
    #expect(text.contains("size: 100MiB"))
    #expect(text.contains("path: \"/dev/a b\"\n        start: 2048\n        count: 204800"))
    #expect(text.contains("chunk: 4MiB"))
  }
}
