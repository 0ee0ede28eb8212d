import MountConfig
import Testing

@Suite("S: a volume is refused for what is written in it")
struct VolumeRefusalTests {
  let fixture: ConfigFixture

  init() throws { fixture = try ConfigFixture() }

  private let legs = "legs: [{path: a.img}, {path: b.img}]"
  private let legsAdvice = "write 'legs:' with a list of '- path: FILE-OR-DEVICE' below it"
  private let nameAdvice = "write a plain file name of 1 to 255 bytes, such as db.img"
  private let listOfKeys =
    "the keys of a volume are size, legs, read_policy, write_quorum, mode, owner, group, "
    + "truncate, read_only, initial_sync, intent, chunk, resync_rate, on_no_space, "
    + "on_all_failed, cache"

  @Test("S: unknown keys of a volume")
  func unknownKeys() {
    fixture.expectVolumeRefusal(
      "§siez: 1MiB\n§quorum: 1\n\(legs)",
      "unknown key 'siez' in a volume (did you mean 'size'?); \(listOfKeys)",
      "unknown key 'quorum' in a volume; \(listOfKeys)")
    fixture.expectVolumeRefusal(
      "§leg: [{path: a.img}]",
      "unknown key 'leg' in a volume (did you mean 'legs'?); \(listOfKeys)")
  }

  @Test("S: cache: the kernel has one choice of gathering writes for a mount")
  func cacheModes() throws {
    func volumes(_ caches: [String]) -> String {
      MarkedText.config(
        caches.enumerated().map { index, cache in
          let leg = "{path: a.img, start: \(index), count: 1}"
          return cache.isEmpty
            ? "  §v\(index): {legs: [\(leg)]}" : "  v\(index): {legs: [\(leg)], \(cache)}"
        }.joined(separator: "\n"))
    }
    let advice =
      "but 'v0' of this mount is 'cache: writeback', and the kernel has one choice for a mount; "
      + "write 'cache: writeback' or 'cache: none' here, or put it into a config of its own"
    fixture.expectRefusal(
      volumes(["cache: writeback", "", "cache: §writethrough", "cache: none"]),
      "volume 'v1' is 'cache: writethrough' (the default), \(advice)",
      "volume 'v2' is 'cache: writethrough', \(advice)")
    fixture.expectVolumeRefusal(
      "cache: §back\n\(legs)",
      "'cache' must be one of writethrough, writeback, none, but this is the text 'back'")
    let config = try fixture.load(
      """
      version: 1
      state_directory: state
      volumes:
        a: {legs: [{path: a.img, start: 0, count: 1}], cache: writeback}
        b: {legs: [{path: a.img, start: 1, count: 1}], cache: none}
        c: {legs: [{path: a.img, start: 2, count: 1}], read_only: true}
      """)
    #expect(config.volumes.map(\.cache) == [.writeback, .none, .writethrough])
  }

  @Test("S: values of initial_sync, intent, chunk and resync_rate")
  func statePolicies() {
    fixture.expectVolumeRefusal(
      "intent: §maybe\ninitial_sync: §true\n\(legs)",
      "'intent' must be one of durable, process, off, but this is the text 'maybe'",
      "'initial_sync' must be one of verify, first-leg, assume-in-sync, but this is the "
        + "yes-or-no value true")
    fixture.expectVolumeRefusal(
      "on_no_space: §wait\non_all_failed: §stale\n\(legs)",
      "'on_no_space' must be one of stale, error, but this is the text 'wait'",
      "'on_all_failed' must be one of error, wait, but this is the text 'stale'")
    for chunk in ["3MiB", "1KiB", "2GiB"] {
      fixture.expectVolumeRefusal(
        "chunk: §\(chunk)\n\(legs)",
        "'chunk' must be a power of two from 64KiB to 1GiB, such as 4MiB")
    }
    fixture.expectVolumeRefusal(
      "resync_rate: §fast\n\(legs)",
      "'resync_rate': 'fast' is not a whole decimal number with a unit, such as 100MiB")
  }

  @Test("S: a volume's name is one plain path component")
  func names() {
    let long = String(repeating: "ä", count: 128)
    fixture.expectRefusal(
      MarkedText.config(
        """
          §a/b: {legs: [{path: a.img, count: 1}]}
          §"": {legs: [{path: a.img, start: 1, count: 1}]}
          §".": {legs: [{path: a.img, start: 2, count: 1}]}
          §..: {legs: [{path: a.img, start: 3, count: 1}]}
          §.mirrorfs: {legs: [{path: a.img, start: 4, count: 1}]}
          §"a\\0b": {legs: [{path: a.img, start: 5, count: 1}]}
          §\(long): {legs: [{path: a.img, start: 6, count: 1}]}
          §~: {legs: [{path: a.img, start: 7, count: 1}]}
        """),
      "the volume name 'a/b' holds a '/'; \(nameAdvice)",
      "a volume name is empty; \(nameAdvice)",
      "the volume name '.' is reserved; \(nameAdvice)",
      "the volume name '..' is reserved; \(nameAdvice)",
      "the volume name '.mirrorfs' is reserved; \(nameAdvice)",
      "the volume name 'a\\u{0}b' holds a NUL; \(nameAdvice)",
      "the volume name is 256 bytes long; \(nameAdvice)",
      "a key must be a text, but this is nothing; write the volume's name and ':' below "
        + "'volumes:', and its keys below that")
  }

  @Test("S: a volume needs 1 to 64 legs, in a list")
  func legCount() throws {
    fixture.expectRefusal(
      MarkedText.config("  §v: {}"), "the volume has no legs; \(legsAdvice)")
    fixture.expectRefusal(
      MarkedText.config("  v:§"), "a volume must be a mapping, but this is nothing; \(legsAdvice)")
    fixture.expectVolumeRefusal("legs: §[]", "'legs' is empty; \(legsAdvice)")
    fixture.expectVolumeRefusal(
      "legs: §{path: a.img}", "'legs' must be a list, but this is a mapping; \(legsAdvice)")
    fixture.expectVolumeRefusal(
      "legs: §a.img", "'legs' must be a list, but this is the text 'a.img'; \(legsAdvice)")
    let items = (0..<66).map { "\($0 == 64 ? "§" : ""){path: a.img, start: \($0), count: 1}" }
    fixture.expectVolumeRefusal(
      "legs: [\(items.joined(separator: ", "))]",
      "a volume has at most 64 legs, but this has 66; remove 2")
    let most = items.prefix(64).joined(separator: ", ")
    #expect(fixture.problems(MarkedText.volume("legs: [\(most)]")).isEmpty)
  }

  @Test(
    "S: a size must have a unit, be whole sectors, not 0, and end below 8 EiB",
    arguments: [
      ("0MiB", "'size' is 0; write at least 512B, or leave it out to use all of the legs"),
      (
        "100",
        "'size': 100 has no unit and could mean bytes or sectors; write 100B for bytes, or a "
          + "number with KiB, MiB, GiB or TiB"
      ),
      ("1000B", "'size': '1000B' is not a multiple of the sector, 512 bytes; write 512B or 1024B"),
      (
        "100MB",
        "'size': unknown unit 'MB'; the units are B, KiB, MiB, GiB and TiB; write '100MiB'"
      ),
      ("5kib", "'size': unknown unit 'kib'; the units are B, KiB, MiB, GiB and TiB; write '5KiB'"),
      ("5 XiB", "'size': unknown unit 'XiB'; the units are B, KiB, MiB, GiB and TiB"),
      ("-5MiB", "'size': '-5MiB' is negative; write zero or more"),
      (
        "1.5GiB", "'size': unknown unit '.5GiB'; the units are B, KiB, MiB, GiB and TiB"
      ),
      (
        "big", "'size': 'big' is not a whole decimal number with a unit, such as 100MiB"
      ),
      ("9999999TiB", "'size': '9999999TiB' is too large; a volume ends below 8 EiB"),
      (
        "99999999999999999999B",
        "'size': '99999999999999999999B' is too large; a volume ends below 8 EiB"
      ),
      ("[1]", "'size' must be a size with a unit, such as 100MiB, but this is a list"),
    ])
  func sizes(size: String, message: String) {
    fixture.expectVolumeRefusal("size: §\(size)\n\(legs)", message)
  }

  @Test("S: a quorum is 1 to the number of legs")
  func writeQuorum() {
    let range = "a number from 1 to the number of legs"
    for quorum in [0, 3, -1] {
      fixture.expectVolumeRefusal(
        "write_quorum: §\(quorum)\n\(legs)",
        quorum < 0
          ? "'write_quorum' must be \(range), but this is the number -1"
          : "'write_quorum' is \(quorum), but the volume has 2 legs; write \(range)")
    }
    for (text, words) in [
      ("99999999999999999999", "the number 99999999999999999999"), ("two", "the text 'two'"),
      ("1.0", "the text '1.0'"), ("0x1", "the number 0x1"),
    ] {
      fixture.expectVolumeRefusal(
        "write_quorum: §\(text)\n\(legs)", "'write_quorum' must be \(range), but this is \(words)")
    }
  }

  @Test("F7: mode is octal text of permission bits")
  func mode() {
    let wanted = "permission bits in octal, such as \"0640\""
    fixture.expectVolumeRefusal(
      "mode: §640\n\(legs)",
      "'mode: 640' is a decimal number in YAML, but a mode is octal; write mode: \"0640\"")
    fixture.expectVolumeRefusal(
      "mode: §\"0689\"\n\(legs)", "'mode' must be \(wanted), but this is '0689'")
    fixture.expectVolumeRefusal(
      "mode: §rw-r--r--\n\(legs)", "'mode' must be \(wanted), but this is 'rw-r--r--'")
    for large in ["04755", "\"1000\"", "\"77777777777777777777\""] {
      let shown = large.replacing("\"", with: "")
      fixture.expectVolumeRefusal(
        "mode: §\(large)\n\(legs)",
        "'mode' is '\(shown)', but only the permission bits 0 to 0777 can be set; write \(wanted)")
    }
    fixture.expectVolumeRefusal(
      "mode: §[0640]\n\(legs)", "'mode' must be \(wanted), but this is a list")
  }

  @Test("F7: owner and group must exist, or be numbers")
  func identities() {
    fixture.expectVolumeRefusal(
      "owner: §no-such-user\ngroup: §no-such-group\n\(legs)",
      "there is no user 'no-such-user' on this machine; write the name or number of a user",
      "there is no group 'no-such-group' on this machine; write the name or number of a group")
    fixture.expectVolumeRefusal(
      "owner: §4294967295\ngroup: §-1\n\(legs)",
      "there is no user '4294967295' on this machine; write the name or number of a user",
      "there is no group '-1' on this machine; write the name or number of a group")
    fixture.expectVolumeRefusal(
      "owner:§\n\(legs)", "'owner' must be the name or number of a user, but this is nothing")
  }

  @Test("S: words and flags of a volume")
  func words() {
    fixture.expectVolumeRefusal(
      "read_policy: §fastest\ntruncate: §no\nread_only: §1\n\(legs)",
      "'read_policy' must be one of primary, round-robin, least-pending, but this is the text "
        + "'fastest'",
      "'truncate' must be one of zero, ignore, refuse, but this is the yes-or-no value no",
      "'read_only' must be 'true' or 'false', but this is the number 1")
  }
}
