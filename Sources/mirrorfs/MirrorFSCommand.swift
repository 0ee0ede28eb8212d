import ArgumentParser

struct MirrorFSCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mirrorfs",
    abstract: "Mounts a directory of virtual volumes, each mirrored on files and block devices.",
    discussion: """
      Reads go to one leg, writes to all; which legs failed is a bitset that anyone can read:

        mirrorfs mount volumes.yaml /mnt/volumes
        getfattr -n user.mirrorfs.error_bits /mnt/volumes/db.img
      """,
    version: "0.1.0",
    subcommands: [
      InitCommand.self, MountCommand.self, UmountCommand.self, CheckCommand.self,
      StatusCommand.self,
      MapCommand.self,
      ResyncCommand.self, ScrubCommand.self, ClearErrorsCommand.self, FailCommand.self,
      RestoreCommand.self, ReplaceCommand.self, PauseCommand.self, ResumeCommand.self,
      RateCommand.self, FaultCommand.self, TableCommand.self,
    ])
}
