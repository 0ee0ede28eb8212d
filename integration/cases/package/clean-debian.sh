#!/usr/bin/env bash
# The Debian package in a Debian of its own, made by debootstrap: apt finds all that it needs, mount(8)
# and the daemon as another user work there, and purging it leaves nothing. Builds and fetches for minutes.
# time-limit: 1200
# shellcheck disable=SC2016 # apt, dpkg-query and the shell inside expand them
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_long
need_root
need dpkg-deb dpkg-shlibdeps strip python3 lintian debootstrap chroot
release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
mirror=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 2>/dev/null | sed -n "s/^$release //p" | head -n 1)
[ -n "$mirror" ] || skip "apt names no mirror of $release"
debootstrap --variant=minbase "$release" debian "$mirror" >debootstrap.out 2>&1 ||
  skip "debootstrap: $(tail -n 3 debootstrap.out)"
# A program that needs nothing of Swift.
package=$("$LIB/../package" "$WORK/static" | tail -n 1)
assert_equal "" "$(lintian --allow-root "$package" 2>/dev/null)" "lintian"

inside() { chroot debian env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }
# all_files: what there is, but for records of what was installed and logs.
all_files() {
  local folder records=()
  for folder in /var/lib/dpkg /var/lib/apt /var/cache /var/log /proc /dev; do
    records+=(-path "$folder" -prune -o)
  done
  inside find / -xdev "${records[@]}" -print | sort
}
quietly() { inside "$@" >>apt.out 2>&1 || fail "$*: $(tail -n 5 apt.out)"; }
cp "$package" debian/var/cache/mirrorfs.deb
quietly apt-get update -q
# What it stands on stays there afterwards; only what comes with the package itself is looked at.
needed=$(dpkg-deb -f "$package" Depends | tr ',' '\n' | sed 's/ *(.*//; s/ //g')
all_files >before-all
quietly apt-get install -y -q --no-install-recommends /var/cache/mirrorfs.deb
for name in $needed; do
  assert_equal "ii " "$(inside dpkg-query -f '${db:Status-Abbrev}' -W "$name")" "$name"
done
assert_equal "" "$(inside ldd /usr/bin/mirrorfs | grep -E 'not found|swift' || true)" "libraries"
quietly apt-get install -y -q --no-install-recommends attr adduser mount

touch debian/dev/fuse
mount --bind /dev/fuse debian/dev/fuse
defer umount -l "$WORK/debian/dev/fuse"
inside mount -t proc proc /proc
defer umount -l "$WORK/debian/proc"
inside sh -ec '
  adduser --quiet --system --group mirrorfs
  install -d -o mirrorfs -m 700 /var/lib/mirrorfs /legs
  mkdir -p /srv/disks
  # fusermount3 asks it; a Debian that was booted has it.
  [ -e /etc/mtab ] || ln -s ../proc/self/mounts /etc/mtab
  cat >/etc/mirrorfs/disks.yaml <<CONFIG
version: 1
user: mirrorfs
allow_other: true
volumes:
  disk: {size: 1MiB, legs: [{path: /legs/a, create: true}, {path: /legs/b, create: true}]}
CONFIG
  mirrorfs check /etc/mirrorfs/disks.yaml
  mount -t mirrorfs /etc/mirrorfs/disks.yaml /srv/disks -o log=/var/log/mirrorfs.log
  getfattr --only-values -n user.mirrorfs.legs /srv/disks/disk | grep -qx AA
  grep -qx "CapEff:[[:space:]]*0*" /proc/$(getfattr --absolute-names --only-values -n user.mirrorfs.pid /srv/disks)/status
  head -c 1M /dev/urandom >/srv/data
  cp /srv/data /srv/disks/disk
  mirrorfs status -x
  mirrorfs umount /srv/disks
  cmp /legs/a /srv/data
  cmp /legs/a /legs/b
  mirrorfs mount /etc/mirrorfs/disks.yaml /srv/disks --log /var/log/mirrorfs.log
  kill $(getfattr --absolute-names --only-values -n user.mirrorfs.pid /srv/disks)
  for i in $(seq 50); do grep -q /srv/disks /proc/mounts || break; sleep 0.1; done
  ! grep -q /srv/disks /proc/mounts' >>inside.out 2>&1 || fail "in Debian: $(tail -n 5 inside.out) $(cat debian/var/log/mirrorfs.log)"

# All that the package has brought goes; configs and state are the administrator's.
inside dpkg -L mirrorfs | sort -u >brought
quietly apt-get purge -y -q mirrorfs
[ -e debian/var/lib/mirrorfs/volumes/disk ] || fail "the state has gone"
left=$(while read -r path; do
  if [ -f "debian$path" ] || [ -L "debian$path" ]; then
    inside dpkg -S "$path" >/dev/null 2>&1 || echo "$path"
  fi
done <brought)
assert_equal "" "$left" "left behind"
all_files >after-all
assert_equal "" "$(comm -13 before-all after-all | grep -i mirrorfs | grep -v -E "^/(var/lib|etc)/mirrorfs" || true)" "left behind"
