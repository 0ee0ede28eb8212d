# shellcheck shell=bash
# Cases that need a kernel with device-mapper, or an init of their own: they run themselves in
# Debian's user-mode-linux, a real kernel as an ordinary process, on this machine's own file tree.

# in_uml [MODULE[:PARAMETER]...]: from here on the case is in the guest, as root, with these kernel
# modules and memory disks /dev/ram0 to /dev/ram7 of 32 MiB; skipped where user-mode-linux is not
# installed. The file tree is read-only, but for /run, /mnt and /dev.
in_uml() {
  [ -z "${MIRRORFS_IN_UML:-}" ] || { need dmsetup; return; }
  need dmsetup
  run_guest dm-mod "$@" <<'GUEST'
cd /mnt/work
run_case >/mnt/out/output 2>&1
echo $? >/mnt/out/status
sync -f /mnt/out; echo o >/proc/sysrq-trigger; sleep 30
GUEST
}

# in_systemd UNIT_FILE...: the same with systemd as init, in whose service case.service the case runs; of
# systemd's own units there are targets alone, and the program and its links are where the package puts
# them. The file tree can be written, and forgets everything.
in_systemd() {
  local systemd=/usr/lib/systemd/systemd targets
  [ -z "${MIRRORFS_IN_UML:-}" ] || return 0
  need systemctl
  [ -x "$systemd" ] || skip "needs systemd"
  targets=$(echo {sysinit,basic,local-fs{,-pre},remote-fs{,-pre},network{,-online},multi-user,shutdown,umount,sockets,timers,paths,swap}.target)
  run_guest overlay <<GUEST
mkdir -p /mnt/over/upper /mnt/over/work /mnt/over/root
mount -t overlay tree /mnt/over/root -o lowerdir=/,upperdir=/mnt/over/upper,workdir=/mnt/over/work
cd /mnt/over/root
for d in proc sys dev run; do mount --rbind /\$d \$d; done
mkdir -p mnt/out mnt/work mnt/old
mount --bind /mnt/out mnt/out
mount --bind /mnt/work mnt/work
pivot_root . mnt/old
umount -l /mnt/old
mount -t cgroup2 cgroup /sys/fs/cgroup
ln -sf $(printf %q "$MIRRORFS") /usr/bin/mirrorfs
for link in mount.mirrorfs mount.fuse.mirrorfs; do ln -sf ../bin/mirrorfs /usr/sbin/\$link; done
units=/run/systemd/system
mkdir -p \$units
for unit in $targets; do ln -s /usr/lib/systemd/system/\$unit \$units; done
for unit in $(printf '%q ' "$@"); do cp "\$unit" \$units; done
cat >\$units/case.target <<UNIT
[Unit]
DefaultDependencies=no
Wants=case.service
UNIT
cat >\$units/case.service <<UNIT
[Unit]
DefaultDependencies=no
OnSuccess=halt.service
OnFailure=halt.service
[Service]
WorkingDirectory=/mnt/work
ExecStart=/bin/bash /mnt/out/case
StandardOutput=file:/mnt/out/output
StandardError=inherit
UNIT
cat >\$units/halt.service <<UNIT
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'sync -f /mnt/out; echo o >/proc/sysrq-trigger; sleep 30'
UNIT
{ declare -f run_case; echo 'run_case; echo \$? >/mnt/out/status'; } >/mnt/out/case
export SYSTEMD_UNIT_PATH=\$units:/run/systemd/generator
exec $systemd --system --unit=case.target --log-target=console --log-level=info --show-status=no </dev/null >/dev/null 2>&1
GUEST
}

# run_guest [MODULE[:PARAMETER]...] <SCRIPT: ends the case with what it says in a guest with these
# modules. The script runs as the guest's init, when /mnt/out (this side's) and /mnt/work are there;
# it has to call run_case, which runs this case, write its status to /mnt/out/status, and end the
# guest.
run_guest() {
  local kernel modules status
  need linux.uml insmod
  kernel=$(command -v linux.uml)
  modules=$(find /usr/lib/uml/modules -maxdepth 1 -mindepth 1 -type d | head -n 1)
  [ -n "$modules" ] || skip "user-mode-linux without its modules"
  mkdir "$WORK/uml"
  cat - >"$WORK/uml/script"
  cat - "$WORK/uml/script" >"$WORK/uml/init" <<GUEST
#!/bin/bash
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DM_DISABLE_UDEV=1
mount -t proc p /proc; mount -t sysfs s /sys; mountpoint -q /dev || mount -t devtmpfs d /dev
mkdir -p /dev/shm /dev/mapper /dev/pts; ln -s /proc/self/fd /dev/fd; mount -t tmpfs t /dev/shm; mount -t tmpfs t /mnt
mkdir /mnt/out /mnt/work; mount -t hostfs none /mnt/out -o "$WORK/uml"
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
for m in fuse loop brd $*; do insert \$m; done
ip link set lo up 2>/dev/null
run_case() {
  MIRRORFS_IN_UML=1 MIRRORFS_CASE_ID=uml MIRRORFS=$(printf %q "$MIRRORFS") WORK=/mnt/work TMPDIR=/run MIRRORFS_ENGINE=threads \\
    bash $(printf %q "$(realpath "$0")") </dev/null
}
GUEST
  chmod +x "$WORK/uml/init"
  # Its memory is a file; in memory it is faster.
  local memory=/dev/shm/mirrorfs-uml.$$
  mkdir "$memory"
  defer rm -rf "$memory"
  TMPDIR=$memory timeout -k 5 580 "$kernel" mem=512M root=/dev/root rootfstype=hostfs rootflags=/ ro \
    init="$WORK/uml/init" con=null con0=null,fd:1 quiet loglevel=3 panic=-1 uml_dir="$memory/" \
    </dev/null >"$WORK/uml/console" 2>&1 || true
  cat "$WORK/uml/output" 2>/dev/null || cat "$WORK/uml/console"
  status=$(cat "$WORK/uml/status" 2>/dev/null || echo 125)
  [ "$status" -eq 0 ] || [ "$status" -eq 77 ] || tail -n 40 "$WORK/uml/console"
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
