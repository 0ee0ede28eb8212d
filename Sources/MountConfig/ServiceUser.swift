internal import CLinux
internal import Glibc

/// Whom the mount runs as (`user: NAME`): an entry of the user database, with its groups.
public struct ServiceUser: Sendable, Equatable {
  public let name: String
  public let userID: UInt32
  /// The user's own group, then all others (`disk`, say).
  public let groupIDs: [UInt32]
  public let home: String

  /// The user's own group.
  public var groupID: UInt32 { groupIDs.first ?? UInt32.max }

  /// Nil when there is no such user.
  ///
  /// - Parameter text: a name, or the number of a user who has a name.
  init?(_ text: String) {
    var entry = unsafe passwd()
    var found: UnsafeMutablePointer<passwd>?
    var strings = [CChar](repeating: 0, count: AccessRights.databaseByteCount)
    var status = unsafe getpwnam_r(text, &entry, &strings, strings.count, &found)
    if unsafe found == nil, let number = WholeNumber(text).flatMap({ UInt32(exactly: $0.rawValue) })
    {
      status = unsafe getpwuid_r(number, &entry, &strings, strings.count, &found)
    }
    guard status == 0, unsafe found != nil else { return nil }
    name = unsafe String(cString: entry.pw_name)
    userID = unsafe entry.pw_uid
    home = unsafe String(cString: entry.pw_dir)
    groupIDs = unsafe Self.groups(of: name, own: entry.pw_gid)
  }

  private static func groups(of name: String, own: gid_t) -> [UInt32] {
    var groups = [gid_t](repeating: 0, count: 64)
    while true {
      var count = CInt(groups.count)
      if unsafe getgrouplist(name, own, &groups, &count) >= 0 {
        return [own] + groups.prefix(Int(count)).filter { $0 != own }
      }
      groups = [gid_t](repeating: 0, count: max(Int(count), 2 * groups.count))
    }
  }

  /// Runs `body` with the rights of this user, for this thread alone: what the kernel allows it is
  /// what it will allow that user, groups, ACLs and the folders on the way included.
  ///
  /// The thread must be root's. Nil, with `errno`, when the kernel refuses.
  func acting<Result>(_ body: () -> Result) -> Result? {
    var before = [gid_t](repeating: 0, count: 65536)
    let count = unsafe getgroups(CInt(before.count), &before)
    guard count >= 0 else { return nil }
    before.removeLast(before.count - Int(count))
    let (user, group) = (geteuid(), getegid())
    guard unsafe linux_act_as(userID, groupID, groupIDs, groupIDs.count) == 0 else { return nil }
    defer {
      let failed = unsafe linux_act_as(user, group, before, before.count)
      precondition(failed == 0, "a thread cannot become root again")
    }
    return body()
  }
}
