#!/usr/bin/env bash
# F5: creating, removing, renaming and linking in the mount is EPERM or EROFS; nothing changes.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M
first=$LEG
file_leg b 1M
write_config <<CONFIG
volumes:
  one: {initial_sync: assume-in-sync, legs: [{path: "$first"}]}
  two: {initial_sync: assume-in-sync, legs: [{path: "$LEG"}]}
CONFIG
mount_config
python3 - "$MNT" <<'PYTHON'
import errno, os, sys
os.chdir(sys.argv[1])
calls = {
    "create": lambda: os.open("new", os.O_CREAT | os.O_WRONLY, 0o644),
    "mkdir": lambda: os.mkdir("new"),
    "mknod": lambda: os.mknod("new"),
    "mkfifo": lambda: os.mkfifo("new"),
    "symlink": lambda: os.symlink("one", "new"),
    "link": lambda: os.link("one", "new"),
    "unlink": lambda: os.unlink("one"),
    "rename": lambda: os.rename("one", "new"),
    "rename over": lambda: os.rename("one", "two"),
}
for name, call in calls.items():
    try:
        call()
        raise AssertionError(f"{name} did not fail")
    except OSError as error:
        assert error.errno in (errno.EPERM, errno.EROFS), (name, error)
assert sorted(os.listdir(".")) == ["one", "two"]
PYTHON
