import BlockIO
import Mirror
import Testing

@testable import Volumes

/// The map and the history of a volume.
@Suite struct MapTests {
  @Test func aHealthyVolumeIsInSyncEverywhere() throws {
    let rig = VolumeRig(sectors: 256)
    let text = try #require(rig.volume.attribute("user.mirrorfs.map"))
    let map = try #require(JSONLine.read(VolumeMapDocument.self, text))
    // 256 sectors are 32 blocks of 4 KiB.
    #expect(map.cellSectors == 8)
    #expect(map.legs == Array(repeating: String(repeating: ".", count: 32), count: 2))
    #expect(map.intent == nil)
    #expect(map.scrubSector == nil)
  }

  @Test(arguments: [1, 7, 8, 9, 4095, 4096, 4097, 1_000_003] as [UInt64])
  func theLastCellEndsWithTheVolume(sectors: UInt64) throws {
    let rig = VolumeRig(sectors: sectors)
    try rig.change { (volume, lane) throws(Errno) in
      try volume.setAttribute("user.mirrorfs.control", to: "fail 1", on: lane)
    }
    try rig.write([UInt8](repeating: 1, count: 512), at: (sectors - 1) * 512)
    let map = VolumeMapDocument(rig.volume)
    let row = map.legs[1]
    #expect(row.count <= VolumeMapDocument.mostCells)
    #expect(UInt64(row.count) * map.cellSectors >= sectors)
    #expect(UInt64(row.count - 1) * map.cellSectors < sectors)
    #expect(row.last == "s" && row.dropLast().allSatisfy { $0 == "." })
    #expect(map.legs[0].allSatisfy { $0 == "." })
  }

  @Test func everyCellHasALetterOfItsOwn() {
    let letters = VolumeMapDocument.letters.map(\.letter)
    #expect(Set(letters).count == MapCell.allCases.count)
    // As the rows have them, by the same precedence.
    #expect(MapCell.allCases.map(VolumeMapDocument.letter) == letters)
  }

  @Test func theHistoryKeepsTheLastChanges() {
    let history = ChangeHistory()
    for number in 0..<ChangeHistory.mostEntries + 3 {
      history.note(.note("leg=\(number) leg_is=changed reason=\"a=b\"", isWarning: true))
    }
    #expect(history.entries.count == ChangeHistory.mostEntries)
    #expect(history.entries.first?.text == "leg 3 leg_is changed reason \"a=b\"")
  }
}
