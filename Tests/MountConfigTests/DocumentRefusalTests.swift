import Foundation
import Glibc
import MountConfig
import Testing

@Suite("S: a config is refused as a whole, with line and column")
struct DocumentRefusalTests {
  let fixture: ConfigFixture

  init() throws { fixture = try ConfigFixture() }

  private let volumes = "volumes: {v: {legs: [{path: a.img}]}}\n"
  private let listOfKeys =
    "the keys of the config are version, state_directory, engine, transport, allow_other, user, "
    + "event_log, on_change, volumes"
  private let volumesAdvice =
    "write the volume's name and ':' below 'volumes:', and its keys below that"

  @Test("S: a config file that cannot be opened is a problem at 1:1")
  func unreadableFile() {
    #expect {
      try MountConfiguration.load(file: fixture.path("none.yaml"), mountPoint: nil)
    } throws: { error in
      "\(error)" == "\(fixture.path("none.yaml")):1:1: error: cannot open the config file: "
        + "No such file or directory (ENOENT); name a readable file"
    }
    #expect {
      try MountConfiguration.load(file: fixture.folder, mountPoint: nil)
    } throws: { error in
      "\(error)" == "\(fixture.folder):1:1: error: cannot read the config file: "
        + "Is a directory (EISDIR); name a readable file"
    }
  }

  @Test("S: five errors of one file are shown at once, in order, one a line")
  func fiveErrors() throws {
    let text = """
      version: 2
      state_directory: state
      engin: auto
      volumes:
        a/b:
          size: 12
          legs:
            - path: none.img
      """
    #expect {
      try fixture.load(text)
    } throws: { error in
      let lines = "\(error)".split(separator: "\n").map { $0.dropFirst(fixture.folder.count + 1) }
      return lines.map { $0.prefix(while: { $0 != "'" }) } == [
        "config.yaml:1:10: error: this mirrorfs reads version 1 of the config, but this is 2; "
          + "write ",
        "config.yaml:3:1: error: unknown key ",
        "config.yaml:5:3: error: the volume name ",
        "config.yaml:6:11: error: ",
        "config.yaml:8:15: error: ",
      ]
    }
  }

  @Test("S: version must be there, and 1")
  func version() {
    fixture.expectRefusal(
      "§state_directory: state\n" + volumes,
      "'version' is missing; write 'version: 1' as the first line")
    for (value, words) in [("one", "the text 'one'"), ("\"1\"", "the text '1'"), ("", "nothing")] {
      // Nothing stands directly behind the colon.
      let text = value.isEmpty ? "version:§" : "version: §\(value)"
      fixture.expectRefusal(
        "\(text)\nstate_directory: state\n" + volumes,
        "'version' must be 1, but this is \(words)")
    }
  }

  @Test("S: an unknown key is refused with the nearest known one and the list")
  func unknownKey() {
    fixture.expectRefusal(
      "version: 1\nstate_directory: state\n§allow-other: true\n" + volumes,
      "unknown key 'allow-other' in the config (did you mean 'allow_other'?); \(listOfKeys)")
    fixture.expectRefusal(
      "version: 1\nstate_directory: state\n§colour: red\n" + volumes,
      "unknown key 'colour' in the config; \(listOfKeys)")
    fixture.expectRefusal(
      "§verison: 1\nstate_directory: state\n" + volumes,
      "unknown key 'verison' in the config (did you mean 'version'?); \(listOfKeys)")
  }

  @Test("S: user: a user of this machine, whom only root can make the mount run as")
  func user() throws {
    func config(_ user: String) -> String {
      "version: 1\nstate_directory: state\nuser: \(user)\n" + volumes
    }
    let advice = "write the name of a user, or make one with `adduser --system`"
    fixture.expectRefusal(
      config("§no-such-user"), "there is no user 'no-such-user' on this machine; \(advice)")
    fixture.expectRefusal(
      config("§4294967295"), "there is no user '4294967295' on this machine; \(advice)")
    fixture.expectRefusal(
      config("§[a]"), "'user' must be the name of a user, but this is a list")
    for same in [NSUserName(), "\(getuid())"] {
      let user = try #require(try fixture.load(config(same)).user)
      #expect(user.name == NSUserName() && user.userID == getuid() && user.groupID == getgid())
    }
    if geteuid() != 0 {
      fixture.expectRefusal(
        config("§root"),
        "only root can make the mount run as 'root'; start mirrorfs as root or as that user, or "
          + "leave 'user' out")
    }
  }

  @Test("S: user: that user's rights count, and root's are back", .enabled(if: geteuid() == 0))
  func rightsOfUser() throws {
    try fixture.setPermissions("a.img", 0o600)
    let change = "change its permissions, or start mirrorfs as a user who may"
    let text = "version: 1\nstate_directory: /nonexistent/state\nuser: nobody\n"
    fixture.expectRefusal(
      text.replacing("/nonexistent/state", with: "§/nonexistent/state")
        + "volumes: {v: {legs: [{path: §a.img}]}}\n",
      "the state directory's parent '/' cannot be written by user 'nobody': Permission denied "
        + "(EACCES); write 'state_directory:' with a folder that this user may write",
      "'DIR/a.img' cannot be read by user 'nobody': Permission denied (EACCES); \(change)")
    #expect(geteuid() == 0 && getegid() == 0)
    try #require(unsafe chown(fixture.path("a.img"), 65534, 65534) == 0)
    try fixture.makeFolder("state")
    try #require(unsafe chown(fixture.path("state"), 65534, 65534) == 0)
    let config = try fixture.load(
      "version: 1\nstate_directory: state\nuser: nobody\n" + volumes)
    #expect(config.user?.name == "nobody")
    // Whom the mount runs as has the files when nobody else is named.
    #expect(config.volumes.map(\.owner) == [65534])
  }

  @Test("S: keys written twice are all found, each naming its first place")
  func duplicateKeys() {
    fixture.expectRefusal(
      """
      version: 1
      state_directory: state
      engine: auto
      §engine: auto
      volumes:
        v:
          read_only: true
          "§read_only": true
          §read_only: true
          legs: [{path: a.img}]
        §v:
          legs: [{path: b.img}]
      §version: 1
      """.replacingOccurrences(of: "\"§", with: "§\""),
      "key 'engine' is written twice, first at line 3, column 1; keep one of them",
      "key 'read_only' is written twice, first at line 7, column 5; keep one of them",
      "key 'read_only' is written twice, first at line 7, column 5; keep one of them",
      "key 'v' is written twice, first at line 6, column 3; keep one of them",
      "key 'version' is written twice, first at line 1, column 1; keep one of them")
    // Where Yams alone can tell: the first place.
    fixture.expectRefusal(
      "version: 1\n§\"\": 1\n\"\": 2\n", "written twice: key ''; keep one of them")
  }

  @Test("S: a wrong type at the top is refused")
  func wrongTypes() {
    let advice = "write 'version: 1' and 'volumes:' at the start of the lines"
    fixture.expectRefusal(
      "§hello", "the config must be a mapping, but this is the text 'hello'; \(advice)")
    fixture.expectRefusal(
      "§42", "the config must be a mapping, but this is the number 42; \(advice)")
    fixture.expectRefusal(
      "§- a\n- b\n", "the config must be a mapping, but this is a list; \(advice)")
    fixture.expectRefusal("---\n§", "the config must be a mapping, but this is nothing; \(advice)")
    fixture.expectRefusal(
      "version: 1\nstate_directory: state\nengine: §fast\ntransport: §tcp\nallow_other: §yes\n"
        + volumes,
      "'engine' must be one of auto, uring, threads, but this is the text 'fast'",
      "'transport' must be one of auto, dev, uring, but this is the text 'tcp'",
      "'allow_other' must be 'true' or 'false', but this is the yes-or-no value yes")
    fixture.expectRefusal(
      "version: 1\nstate_directory: §[a]\nengine: §{}\nallow_other: §\"true\"\n" + volumes,
      "'state_directory' must be the path of a folder, but this is a list",
      "'engine' must be one of auto, uring, threads, but this is a mapping",
      "'allow_other' must be 'true' or 'false', but this is the text 'true'")
  }

  @Test("S: volumes must be there and not be empty")
  func noVolumes() {
    fixture.expectRefusal(
      "§version: 1\nstate_directory: state\n", "'volumes' is missing; \(volumesAdvice)")
    fixture.expectRefusal(
      "version: 1\nstate_directory: state\nvolumes: §{}\n", "'volumes' is empty; \(volumesAdvice)")
    fixture.expectRefusal(
      "version: 1\nstate_directory: state\nvolumes:§\n",
      "'volumes' must be a mapping, but this is nothing; \(volumesAdvice)")
    fixture.expectRefusal(
      "version: 1\nstate_directory: state\nvolumes: §[v]\n",
      "'volumes' must be a mapping, but this is a list; \(volumesAdvice)")
  }

  @Test("S: an impossible state directory is refused")
  func stateDirectory() throws {
    let advice = "write 'state_directory:' with a folder that this user may write"
    try fixture.makeLink("dangling", to: "/nonexistent/mirrorfs")
    let body = "  v: {legs: [{path: a.img}]}"
    fixture.expectRefusal(
      MarkedText.config(body, state: "§a.img"),
      "the state directory 'DIR/a.img' is a file; \(advice)")
    fixture.expectRefusal(
      MarkedText.config(body, state: "§a.img/x/y"),
      "the state directory's parent 'DIR/a.img' is a file; \(advice)")
    fixture.expectRefusal(
      MarkedText.config(body, state: "§dangling/x"),
      "the state directory's 'DIR/dangling' is a symbolic link to a missing folder; \(advice)")
    fixture.expectRefusal(
      MarkedText.config(body, state: "§\"\""),
      "'state_directory' is empty or holds a NUL; write the path of a folder")
    #expect(fixture.problems(MarkedText.config(body, state: "new/below/new")).isEmpty)
  }

  @Test("S: a state directory without permission", .enabled(if: geteuid() != 0, "root may all"))
  func stateDirectoryPermission() throws {
    try fixture.makeFolder("locked")
    try fixture.setPermissions("locked", 0o555)
    fixture.expectRefusal(
      MarkedText.config("  v: {legs: [{path: a.img}]}", state: "§locked/state"),
      "the state directory's parent 'DIR/locked' cannot be written: Permission denied (EACCES); "
        + "write 'state_directory:' with a folder that this user may write")
  }
}
