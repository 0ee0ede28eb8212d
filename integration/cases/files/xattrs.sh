#!/usr/bin/env bash
# Interface, extended attributes: size 0 asks for the length, a small buffer is ERANGE, unknown is
# ENODATA, setting others is EPERM, all are listed; values of a healthy volume.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 1M
first=$LEG
file_leg b 1028K
mount_volume "$first" "$LEG,start=8"
python3 - "$VOL" <<'PYTHON'
import ctypes, errno, os, sys
path = sys.argv[1].encode()
libc = ctypes.CDLL(None, use_errno=True)
def refused(code, call, *arguments):
    try:
        result = call(*arguments)
    except OSError as error:
        assert error.errno == code, (arguments, error)
    else:
        raise AssertionError((arguments, result))
def raw(function, *arguments):
    result = function(*arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result
names = os.listxattr(path)
for name in names:
    length = raw(libc.getxattr, path, name.encode(), None, 0)
    value = os.getxattr(path, name)
    if not name.endswith((".status", ".last_error", ".errors")):
        assert length == len(value), (name, length, value)
    if len(value) > 1:
        refused(errno.ERANGE, raw, libc.getxattr, path, name.encode(), ctypes.create_string_buffer(1), 1)
    assert value == b"" or (b"\0" not in value and not value.endswith(b"\n")), (name, value)
expected = {"state", "error_bits", "error_bits_seen", "error_bits_last", "legs", "status"}
expected |= {f"leg.{n}.{what}" for n in (0, 1) for what in ("state", "region", "errors")}
missing = {f"user.mirrorfs.{name}" for name in expected} - set(names)
assert not missing, f"not listed: {missing}"
assert "user.mirrorfs.control" not in names, "control is write-only"
assert raw(libc.listxattr, path, None, 0) == sum(len(n) + 1 for n in names)
refused(errno.ERANGE, raw, libc.listxattr, path, ctypes.create_string_buffer(8), 8)
for unknown in ("user.mirrorfs.nonsense", "user.mirrorfs.leg.2.state", "user.other"):
    refused(errno.ENODATA, os.getxattr, path, unknown)
for name in ("user.mirrorfs.state", "user.mirrorfs.legs", "user.other"):
    refused(errno.EPERM, os.setxattr, path, name, b"x")
refused(errno.EPERM, os.removexattr, path, "user.mirrorfs.state")
refused(errno.EINVAL, os.setxattr, path, "user.mirrorfs.control", b"nonsense")
PYTHON
assert_state AA 0x0 in-sync
assert_equal 0x0 "$(xattr "$VOL" error_bits_seen)"
assert_equal 0x0 "$(xattr "$VOL" error_bits_last)"
for leg in 0 1; do
  assert_equal alive "$(xattr "$VOL" leg.$leg.state)"
  assert_equal "read=0 write=0 flush=0 corrected=0" "$(xattr "$VOL" leg.$leg.errors)"
done
assert_equal "$first 0+2048" "$(xattr "$VOL" leg.0.region)"
assert_equal "$LEG 8+2048" "$(xattr "$VOL" leg.1.region)"
assert_match 'user.mirrorfs.legs="AA"' "$(getfattr -d "$VOL" 2>/dev/null)"
