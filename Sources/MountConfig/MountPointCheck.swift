/// Finds paths inside the mount point: mirrorfs would wait for itself (section S).
struct MountPointCheck {
  private let mountPoint: String

  init(_ mountPoint: String) {
    let absolute =
      mountPoint.hasPrefix("/") ? mountPoint : PathBase.workingDirectory + "/" + mountPoint
    self.mountPoint = RealPath.ofExistingPart(absolute)
  }

  /// What is wrong when one of the real paths lies inside, with what to write instead; else nil.
  func problem(_ noun: String, _ realPaths: [String]) -> String? {
    guard let inside = realPaths.first(where: { RealPath.isInside($0, mountPoint) }) else {
      return nil
    }
    return "\(noun) \(Quoted(inside)) lies inside the mount point \(Quoted(mountPoint)), where "
      + "the mount would hide it; write a path outside, or mount elsewhere"
  }
}
