# shellcheck shell=bash
# Cases that need a kernel with device-mapper: they run themselves in Debian's user-mode-linux, a
# real kernel as an ordinary process, on this machine's own file tree, read-only.

# in_uml [MODULE[:PARAMETER]...]: from here on the case is in the guest, as root, with these kernel
# modules and memory disks /dev/ram0 to /dev/ram7 of 32 MiB; skipped where user-mode-linux is not
# installed.
in_uml() {
  [ -z "${MIRRORFS_IN_UML:-}" ] || { need dmsetup; return; }
  local kernel modules status
  need linux.uml dmsetup insmod
  kernel=$(command -v linux.uml)
  modules=$(find /usr/lib/uml/modules -maxdepth 1 -mindepth 1 -type d | head -n 1)
  [ -n "$modules" ] || skip "user-mode-linux without its modules"
  mkdir "$WORK/uml"
  cat >"$WORK/uml/init" <<GUEST
#!/bin/bash
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DM_DISABLE_UDEV=1
mount -t proc p /proc; mount -t sysfs s /sys; mountpoint -q /dev || mount -t devtmpfs d /dev
mkdir -p /dev/shm /dev/mapper /dev/pts; ln -s /proc/self/fd /dev/fd; mount -t tmpfs t /dev/shm; mount -t tmpfs t /mnt
mkdir /mnt/out; mount -t hostfs none /mnt/out -o "$WORK/uml"
mount -t tmpfs t /run
# The file system is read-only here: no tool that wants a place for temporary files.
insert() { local m=\${1%%:*} parameter=\${1#"\${1%%:*}"} line first=; line=\$(grep -E "/\$m\\.ko:" "$modules/modules.dep") || return 0
  for d in \${line#*:}; do first="\$d \$first"; done
  for d in \$first "\${line%%:*}"; do
    case \$d in
      *brd.ko) insmod "$modules/\$d" rd_size=32768 rd_nr=8 ;;
      */\$m.ko) insmod "$modules/\$d" \${parameter#:} ;;
      *) insmod "$modules/\$d" ;;
    esac 2>/dev/null
  done; }
for m in fuse loop brd dm-mod $*; do insert \$m; done
ip link set lo up 2>/dev/null
mkdir /mnt/work
cd /mnt/work
MIRRORFS_IN_UML=1 MIRRORFS_CASE_ID=uml MIRRORFS=$(printf %q "$MIRRORFS") WORK=/mnt/work MIRRORFS_ENGINE=threads \\
  bash $(printf %q "$(realpath "$0")") >/mnt/out/output 2>&1 </dev/null
echo \$? >/mnt/out/status
sync -f /mnt/out; echo o >/proc/sysrq-trigger; sleep 30
GUEST
  chmod +x "$WORK/uml/init"
  # Its memory is a file; in memory it is faster.
  local memory=/dev/shm/mirrorfs-uml.$$
  mkdir "$memory"
  defer rm -rf "$memory"
  TMPDIR=$memory timeout -k 5 100 "$kernel" mem=512M root=/dev/root rootfstype=hostfs rootflags=/ ro \
    init="$WORK/uml/init" con=null con0=null,fd:1 quiet loglevel=3 panic=-1 uml_dir="$memory/" \
    </dev/null >"$WORK/uml/console" 2>&1 || true
  cat "$WORK/uml/output" 2>/dev/null || cat "$WORK/uml/console"
  status=$(cat "$WORK/uml/status" 2>/dev/null || echo 125)
  exit "$status"
}

# dm NAME TABLE: makes or changes a device-mapper device; its path is /dev/mapper/NAME.
dm() {
  if dmsetup info "$1" >/dev/null 2>&1; then
    dmsetup suspend --noflush "$1" && dmsetup load "$1" --table "$2" && dmsetup resume "$1"
  else
    dmsetup create "$1" --table "$2"
  fi
}
