internal import Glibc

/// Reads `mode`, `owner` and `group` of a volume (rule F7).
enum AccessRights {
  /// Permission bits; the default when left out or broken.
  static func mode(_ keys: MappingReader) -> UInt32 {
    let wanted = "permission bits in octal, such as \"0640\""
    return keys.written("mode", wanted).flatMap { written, mark in
      let (text, kind) = written
      let digits = text.hasPrefix("0o") ? text.dropFirst(2) : text[...]
      guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x37).contains($0) }) else {
        keys.log.report(mark, "'mode' must be \(wanted), but this is \(Quoted(text))")
        return nil
      }
      guard kind == .string || text.hasPrefix("0") else {
        keys.log.report(
          mark,
          "'mode: \(Quoted.shown(text))' is a decimal number in YAML, but a mode is octal; "
            + "write mode: \"0\(Quoted.shown(text))\""
        )
        return nil
      }
      guard let bits = UInt32(digits, radix: 8), bits <= 0o777 else {
        keys.log.report(
          mark,
          "'mode' is \(Quoted(text)), but only the permission bits 0 to 0777 can be set; "
            + "write \(wanted)")
        return nil
      }
      return bits
    }.value(or: VolumeConfiguration.defaultMode)
  }

  /// A user id; nil when left out or broken.
  static func owner(_ keys: MappingReader) -> UInt32? {
    identity("owner", "user", keys, lookUp: userID).value
  }

  /// A group id; nil when left out or broken.
  static func group(_ keys: MappingReader) -> UInt32? {
    identity("group", "group", keys, lookUp: groupID).value
  }

  /// Whom the mount runs as; the caller when left out.
  static func user(_ keys: MappingReader) -> Setting<ServiceUser> {
    keys.written("user", "the name of a user").flatMap { written, mark in
      let text = written.0
      if !text.utf8.contains(0), let user = ServiceUser(text) { return user }
      keys.log.report(
        mark,
        "there is no user \(Quoted(text)) on this machine; write the name of a user, or "
          + "make one with `adduser --system`")
      return nil
    }
  }

  private static func identity(
    _ key: String, _ noun: String, _ keys: MappingReader, lookUp: (String) -> UInt32?
  ) -> Setting<UInt32> {
    let wanted = "the name or number of a \(noun)"
    return keys.written(key, wanted).flatMap { written, mark in
      let text = written.0
      // A name wins, so that a user called 1000 (it happens) is found; -1 means "nobody" to chown.
      if !text.utf8.contains(0), let id = lookUp(text) { return id }
      if let number = WholeNumber(text), number.rawValue < UInt64(UInt32.max) {
        return UInt32(number.rawValue)
      }
      keys.log.report(
        mark, "there is no \(noun) \(Quoted(text)) on this machine; write \(wanted)")
      return nil
    }
  }

  /// Room for the strings of one entry of the user or group database.
  static let databaseByteCount = 64 << 10

  private static func userID(_ name: String) -> UInt32? {
    var entry = unsafe passwd()
    var found: UnsafeMutablePointer<passwd>?
    var strings = [CChar](repeating: 0, count: databaseByteCount)
    let status = unsafe getpwnam_r(name, &entry, &strings, strings.count, &found)
    guard status == 0, unsafe found != nil else { return nil }
    return unsafe entry.pw_uid
  }

  private static func groupID(_ name: String) -> UInt32? {
    var entry = unsafe Glibc.group()
    var found: UnsafeMutablePointer<Glibc.group>?
    var strings = [CChar](repeating: 0, count: databaseByteCount)
    let status = unsafe getgrnam_r(name, &entry, &strings, strings.count, &found)
    guard status == 0, unsafe found != nil else { return nil }
    return unsafe entry.gr_gid
  }
}
