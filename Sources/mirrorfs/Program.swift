import ArgumentParser

/// Where the program begins: by its own name, or by that of a helper of mount(8).
@main enum Program {
  static func main() {
    let words = CommandLine.arguments
    guard let call = MountCall(words) else { return MirrorFSCommand.main() }
    call.run()
  }
}
