#!/usr/bin/env bash
# The Debian package: made by one command, holds what it should, is installed into a tree of its own
# and removed from it without a trace. With INTEGRATION_LONG=1: into a Debian made by debootstrap.
# time-limit: 900
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_root
need dpkg-deb dpkg-shlibdeps strip python3
package=$("$LIB/../package" --mirrorfs "$MIRRORFS" "$WORK/out" | tail -n 1)
assert_match "^$WORK/out/mirrorfs_[0-9.]+_[a-z0-9]+\.deb$" "$package"
assert_match 'libfuse3-3.*liburing2.*fuse3' "$(dpkg-deb -f "$package" Depends)"
# in_tree WORD...: dpkg on a tree that holds nothing but its own records.
in_tree() {
  dpkg --root="$WORK/tree" --force-depends --force-script-chrootless --log="$WORK/dpkg.out" "$@" >>dpkg.said 2>&1 ||
    fail "dpkg $*: $(cat dpkg.said)"
}
mkdir -p tree/var/lib/dpkg/{info,updates,triggers}
: >tree/var/lib/dpkg/status
in_tree -i "$package"
for file in usr/bin/mirrorfs lib/systemd/system/mirrorfs@.service usr/share/man/man1/mirrorfs.1.gz \
  usr/share/man/man8/mount.mirrorfs.8.gz usr/share/doc/mirrorfs/OPERATING.md \
  usr/share/bash-completion/completions/mirrorfs usr/share/doc/mirrorfs/mount-config/two-files.yaml; do
  [ -e "tree/$file" ] || fail "not there: $file"
done
MIRRORFS=$WORK/tree/usr/bin/mirrorfs
assert_equal "$(dpkg-deb -f "$package" Version)" "$("$MIRRORFS" --version)"
file_leg a 1M
first=$LEG
file_leg b 1M
config_for "$first" "$LEG"
mkdir -p "$MNT"
defer unmount_at_end "$MNT"
tree/usr/sbin/mount.mirrorfs "$CONFIG" "$MNT" -o "log=$LOG"
assert_state AA 0x0 in-sync
unmount
in_tree -P mirrorfs
assert_equal "" "$(find tree \( -type f -o -type l \) -not -path 'tree/var/lib/dpkg/*')" "left behind"

[ -n "${INTEGRATION_LONG:-}" ] || exit 0
need debootstrap chroot
# A program that needs nothing of Swift.
package=$("$LIB/../package" "$WORK/static" | tail -n 1)
need lintian
assert_equal "" "$(lintian "$package" 2>/dev/null)" "lintian"
defer umount -l "$WORK/debian/dev/fuse"
debootstrap --variant=minbase bookworm debian >debootstrap.out 2>&1 || skip "debootstrap: $(tail -n 3 debootstrap.out)"
cp "$package" debian/mirrorfs.deb
cp /etc/apt/sources.list debian/etc/apt/ 2>/dev/null || true
chroot debian apt-get update -q >>debootstrap.out 2>&1
chroot debian apt-get install -y --no-install-recommends ./mirrorfs.deb attr >>debootstrap.out 2>&1 ||
  fail "apt-get: $(tail -n 5 debootstrap.out)"
touch debian/dev/fuse
mount --bind /dev/fuse debian/dev/fuse
chroot debian sh -ec '
  mount -t proc proc /proc
  trap "umount /proc" EXIT
  mirrorfs init disk /a --size 1MiB >/dev/null || true
  printf "version: 1\nvolumes:\n  disk: {size: 1MiB, legs: [{path: /a, create: true}, {path: /b, create: true}]}\n" >/etc/mirrorfs/disks.yaml
  mkdir -p /srv/disks
  mount -t mirrorfs /etc/mirrorfs/disks.yaml /srv/disks -o log=/var/log/mirrorfs.log
  getfattr --only-values -n user.mirrorfs.legs /srv/disks/disk | grep -qx AA
  mirrorfs umount /srv/disks
  cmp /a /b
  apt-get purge -y -q mirrorfs >/dev/null
  ! command -v mirrorfs' >>debootstrap.out 2>&1 || fail "in Debian: $(tail -n 5 debootstrap.out)"
