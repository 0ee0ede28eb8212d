import BlockIO
import CLinux
import Glibc
import MountConfig

/// The rights of the process when root starts it and the config has `user: NAME`.
///
/// Legs, state directory and event log are opened with the user's rights from the beginning, as
/// they will be when a leg comes back. Root is there once more for mount(2) alone, which is made in
/// the user's name: so `fusermount3` lets that user unmount it, and no part of this process needs
/// to stay root's.
struct ServiceRights {
  private let user: ServiceUser

  /// Nil when the process is whom it should be already.
  init?(_ user: ServiceUser?) {
    guard let user, user.userID != geteuid() else { return nil }
    self.user = user
  }

  /// The process is the user's from here on, and may be root's once more.
  func enter() throws(StartupProblem) {
    if let refusal = Unmounting.refusalForUsers() {
      throw StartupProblem("user \(user.name) could not unmount: \(refusal)")
    }
    let groups = user.groupIDs
    guard unsafe linux_become(user.userID, user.groupID, groups, groups.count) == 0 else {
      throw StartupProblem("becoming user \(user.name): \(Errno.last)")
    }
    // For the program of on_change.
    for (name, value) in [("HOME", user.home), ("USER", user.name), ("LOGNAME", user.name)] {
      unsafe setenv(name, value, 1)
    }
  }

  /// Runs `mount` as root with the user's real number, and gives root up for good.
  func giveUp(after mount: () throws(StartupProblem) -> Void) throws(StartupProblem) {
    guard linux_be_root_again() == 0 else {
      throw StartupProblem("mounting as root: \(Errno.last)")
    }
    try mount()
    guard linux_give_root_up(user.userID) == 0 else {
      throw StartupProblem("giving the rights of root up: \(Errno.last)")
    }
  }
}
