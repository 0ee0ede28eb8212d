import MountConfig
import Testing

@Suite("S: text that is odd or no YAML is refused at its place, and never crashes")
struct OddTextTests {
  let fixture: ConfigFixture

  init() throws { fixture = try ConfigFixture() }

  private let form = "; mount-config/README.md shows the form"
  private let volumes = "volumes: {v: {legs: [{path: a.img}]}}\n"

  private func problems(bytes: [UInt8]) -> [String] {
    do throws(ConfigProblems) {
      _ = try fixture.load(bytes: bytes)
      return []
    } catch {
      return error.problems.map { "\($0.mark.line):\($0.mark.column): \($0.message)" }
    }
  }

  @Test("S: YAML that does not parse shows the parser's message, line and column")
  func syntaxErrors() {
    fixture.expectRefusal(
      "version: 1\nvolumes:\n  v: §: x\n",
      "not valid YAML: mapping values are not allowed in this context\(form)")
    fixture.expectRefusal(
      "version: 1\nvolumes: [a, b\nengine§: auto\n",
      "not valid YAML: while parsing a flow sequence: did not find expected ',' or ']' (begun at "
        + "line 2, column 10)\(form)")
    fixture.expectRefusal(
      "version: 1\nvolumes: §@x\n",
      "not valid YAML: while scanning for the next token: found character that cannot start any "
        + "token\(form)")
    fixture.expectRefusal(
      "version: §*none\n", "not valid YAML: found undefined alias\(form)")
    fixture.expectRefusal(
      "version: 1\n§---\nversion: 1\n",
      "not valid YAML: expected a single document in the stream: but found another document "
        + "(begun at line 1, column 1)\(form)")
  }

  @Test("S: an empty file, or one of comments")
  func empty() {
    for text in ["", "\n\n", "# nothing here\n", "\u{FEFF}"] {
      fixture.expectRefusal(
        "§" + text, "the config is empty; write at least 'version: 1' and 'volumes:'")
    }
  }

  @Test("S: a file that is not UTF-8, at its first wrong byte")
  func notUnicode() {
    let message = "the file is not UTF-8 text from here on; save it as UTF-8"
    #expect(problems(bytes: [0xFF, 0xFE, 0x61, 0x00]) == ["1:1: \(message)"])
    #expect(problems(bytes: Array("version: 1\n# ä".utf8) + [0xC3]) == ["2:4: \(message)"])
    #expect(problems(bytes: Array("a: ".utf8) + [0xED, 0xA0, 0x80]) == ["1:4: \(message)"])
  }

  @Test("S: control characters, at their place")
  func controlCharacters() {
    fixture.expectRefusal(
      "version: 1\n# ä §\u{0}\n",
      "not valid YAML: control characters are not allowed (U+0); remove it")
    fixture.expectRefusal(
      "version: 1\r\n# ä §\u{7}\r\n",
      "not valid YAML: control characters are not allowed (U+7); remove it")
  }

  @Test("S: a byte order mark and Windows line ends change nothing")
  func windowsText() {
    let text = "\u{FEFF}version: 1\nstate_directory: state\n" + volumes
    #expect(fixture.problems(text.replacing("\n", with: "\r\n")).isEmpty)
    let found = fixture.problems(
      "\u{FEFF}version: 2\r\nversion: 1\r\nengine: x\r\nstate_directory: s\n" + volumes)
    #expect(found.map(\.mark.line) == [1, 2, 3])
    #expect(found.map(\.mark.column) == [10, 1, 9])
  }

  @Test("S: a file that is far too large")
  func tooLarge() {
    let bytes = [UInt8](repeating: 0x23, count: (64 << 20) + 1)
    #expect(
      problems(bytes: bytes)
        == ["1:1: the config file is larger than 64 MiB; is it a config at all?"])
  }

  @Test("S: deep nesting ends in a message", arguments: ["[", "{", "- ", "? ", "[{a: "])
  func deepNesting(opener: String) {
    for depth in [100, 999, 1001, 50_000] {
      let nested = String(repeating: opener, count: depth)
      #expect(!fixture.problems(nested).isEmpty)
      #expect(!fixture.problems("version: 1\nvolumes: " + nested).isEmpty)
    }
    let closed = String(repeating: "[", count: 900) + String(repeating: "]", count: 900)
    #expect(!fixture.problems("version: \(closed)\n? \(closed)\n: 1\n" + volumes).isEmpty)
  }

  @Test("S: anchors and aliases stand for their values; merge keys and tags are refused")
  func unusualNodes() throws {
    let config = try fixture.load(
      MarkedText.config(
        """
          x: {legs: [{path: a.img}], mode: &mode "0600", read_only: &yes true}
          y: {legs: [{path: b.img}], mode: *mode, read_only: *yes}
        """))
    #expect(config.volumes.map(\.mode) == [0o600, 0o600])
    #expect(config.volumes.map(\.readOnly) == [true, true])
    fixture.expectRefusal(
      MarkedText.config(
        """
          x: &x {legs: [{path: a.img}]}
          y: {§<<: *x, legs: [{path: b.img}]}
        """), "merge keys ('<<') are not supported; write the keys out")
    fixture.expectVolumeRefusal(
      "mode: §!secret x\nread_policy: §!!binary aGk=\n§!key size: 1MiB\n"
        + "legs: !!seq [{path: a.img}]",
      "'mode' must be permission bits in octal, such as \"0640\", but this is a value with the "
        + "tag !secret",
      "'read_policy' must be one of primary, round-robin, least-pending, but this is a value with "
        + "the tag tag:yaml.org,2002:binary",
      "a key must be a text, but this is a value with the tag !key; write 'legs:' with a list of "
        + "'- path: FILE-OR-DEVICE' below it")
    fixture.expectVolumeRefusal(
      "legs: §!mine [{path: a.img}]",
      "'legs' must be a list, but this is a tagged list; write 'legs:' with a list of '- path: "
        + "FILE-OR-DEVICE' below it")
  }

  @Test("S: aliases that multiply do not take for ever")
  func multiplyingAliases() {
    var text = "version: &a0 1\n"
    for level in 1...40 {
      let alias = "*a\(level - 1)"
      text += "k\(level): &a\(level) [\(alias), \(alias), \(alias)]\n"
    }
    text += "volumes: *a40\n"
    #expect(fixture.problems(text).count > 40)
  }

  @Test("S: text of the user's is shown on one line, and cut")
  func messagesStayOnOneLine() {
    let long = String(repeating: "x", count: 900)
    let found = fixture.problems(
      "state_directory: s\n\"a\\nb\": 1\n\(long): 1\nversion: \"c\\nd\(long)\"\n")
    #expect(found.count == 4)
    #expect(found.allSatisfy { !$0.description.contains("\n") && $0.description.count < 600 })
  }
}
