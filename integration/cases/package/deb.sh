#!/usr/bin/env bash
# The Debian package: made by one command, holds what it should, is installed into a tree of its own
# and removed from it without a trace; lintian has nothing to say. See clean-debian for a real system.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_root
need dpkg-deb dpkg-shlibdeps strip python3
package=$("$LIB/../package" --mirrorfs "$MIRRORFS" "$WORK/out" | tail -n 1)
assert_match "^$WORK/out/mirrorfs_[0-9.]+_[a-z0-9]+\.deb$" "$package"
assert_match 'libfuse3-3.*liburing2.*fuse3' "$(dpkg-deb -f "$package" Depends)"
if command -v lintian >/dev/null; then
  # This program finds the Swift of this machine; the one that is packed without --mirrorfs has it inside.
  assert_equal "" "$(lintian --allow-root --suppress-tags custom-library-search-path "$package" 2>/dev/null)" lintian
fi
# in_tree WORD...: dpkg on a tree that holds nothing but its own records.
in_tree() {
  dpkg --root="$WORK/tree" --force-depends --force-script-chrootless --log="$WORK/dpkg.out" "$@" >>dpkg.said 2>&1 ||
    fail "dpkg $*: $(cat dpkg.said)"
}
mkdir -p tree/var/lib/dpkg/{info,updates,triggers}
: >tree/var/lib/dpkg/status
in_tree -i "$package"
for file in usr/bin/mirrorfs lib/systemd/system/mirrorfs@.service usr/share/man/man1/mirrorfs.1.gz \
  usr/share/man/man8/mount.mirrorfs.8.gz usr/share/man/man5/mirrorfs-config.5.gz usr/share/lintian/overrides/mirrorfs \
  usr/share/zsh/vendor-completions/_mirrorfs usr/share/fish/vendor_completions.d/mirrorfs.fish usr/sbin/mount.fuse.mirrorfs \
  usr/share/doc/mirrorfs/OPERATING.md \
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
