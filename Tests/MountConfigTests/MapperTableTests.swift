import BlockIO
import Testing

@testable import MountConfig

@Suite("Tables for the kernel's mirror")
struct MapperTableTests {
  private func table(
    _ legs: [(String, UInt64)], sectors: UInt64 = 65536, chunk: UInt64 = 8192, equal: Bool = true
  ) throws -> MapperTable {
    try MapperTable(
      legs: legs.map { MapperTable.Leg(path: $0.0, firstSector: Sector($0.1)) },
      sectorCount: SectorCount(sectors), chunk: SectorCount(chunk), areLegsEqual: equal)
  }

  @Test("Equal legs are trusted, others are copied from the first")
  func mirrors() throws {
    let legs: [(String, UInt64)] = [("/dev/sda", 2048), ("/dev/sdb", 0)]
    #expect(
      try table(legs).line
        == "0 65536 mirror core 2 8192 nosync 2 /dev/sda 2048 /dev/sdb 0 1 handle_errors")
    #expect(
      try table(legs, equal: false).line
        == "0 65536 mirror core 1 8192 2 /dev/sda 2048 /dev/sdb 0 1 handle_errors")
  }

  @Test("One leg is linear")
  func linear() throws {
    #expect(try table([("/dev/sda", 8)], sectors: 3).line == "0 3 linear /dev/sda 8")
  }

  @Test("A region is a power of two, and not larger than the volume")
  func regions() throws {
    let legs: [(String, UInt64)] = [("/a", 0), ("/b", 0)]
    for (sectors, chunk, region) in [
      (1000, 8192, 512), (8, 128, 8), (15, 8192, 8), (8192, 8192, 8192), (1 << 40, 128, 128),
    ] {
      #expect(
        try table(legs, sectors: UInt64(sectors), chunk: UInt64(chunk)).region
          == SectorCount(UInt64(region)))
    }
    #expect(throws: MapperTable.Refusal.self) { try table(legs, sectors: 7) }
  }

  @Test("The kernel takes nine legs")
  func most() throws {
    let legs = (0..<10).map { ("/dev/d\($0)", UInt64(0)) }
    #expect(try table(Array(legs.dropLast())).legs.count == 9)
    #expect(throws: MapperTable.Refusal.self) { try table(legs) }
  }

  @Test("Blanks and backslashes in paths, commas and semicolons in concise names")
  func escapes() throws {
    let odd = try table([("/dev/a b\\c", 0)])
    #expect(odd.line == "0 65536 linear /dev/a\\ b\\\\c 0")
    #expect(
      try odd.concise(name: "x,y;z", isReadOnly: true)
        == "x\\,y\\;z,,,ro,0 65536 linear /dev/a\\\\ b\\\\\\\\c 0")
    #expect(throws: MapperTable.Refusal.self) {
      try odd.concise(name: String(repeating: "n", count: 128), isReadOnly: false)
    }
  }
}
