#!/usr/bin/env bash
# Other programs: df, du, stat, findmnt and lsof show sensible things; cp -a copies the data whatever
# it makes of the attributes, and the line for /etc/xattr.conf keeps it from trying; rsync -X has a filter.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

need_root
need findmnt df du unshare
file_leg a 4M
first=$LEG
file_leg b 4M
mount_volume "$first" "$LEG"
random_file data $((4 << 20))
cp data "$VOL"
assert_equal "fuse.mirrorfs $CONFIG" "$(findmnt -n -o FSTYPE,SOURCE "$MNT" | tr -s ' ')"
assert_equal "4194304 0" "$(df -B1 --output=size,avail "$MNT" | tail -n 1 | tr -s ' ' | sed 's/^ //')"
assert_equal 4194304 "$(du -B1 "$VOL" | cut -f1)"
assert_equal "4194304 regular file" "$(stat -c '%s %F' "$VOL")"
if command -v lsof >/dev/null; then
  exec {open}<"$VOL"
  assert_match "$VOL" "$(lsof -p $BASHPID 2>/dev/null)"
  exec {open}>&-
fi
# cp -a takes the attributes along, where they would go on telling of a state that the copy has not.
cp -a "$VOL" copy
assert_same copy data
assert_match 'user.mirrorfs.state' "$(getfattr --absolute-names -d copy)"

# rsync: the same with -X; its filter leaves ours out, and takes others.
need rsync
rsync -aX "$VOL" rsynced
assert_same rsynced data
assert_match 'user.mirrorfs.state' "$(getfattr --absolute-names -d rsynced)"
filter='-x user.mirrorfs.*'
rsync -aX --filter="$filter" "$VOL" filtered
assert_same filtered data
assert_equal "" "$(getfattr --absolute-names -d filtered)" "attributes of what rsync copied"
setfattr -n user.other -v kept filtered
rsync -aX --filter="$filter" filtered again
assert_equal kept "$(getfattr --absolute-names --only-values -n user.other again)"
# Onto a volume: in place.
random_file newer $((4 << 20))
chmod 0644 newer
touch -d 2001-01-01 newer
assert_fails_with "mkstemp" rsync newer "$VOL"
rsync -aX --filter="$filter" --inplace newer "$VOL"
assert_same newer "$VOL"
assert_equal 2001-01-01 "$(date -d "@$(stat -c %Y "$VOL")" +%F)"
assert_state AA 0x0 in-sync
for words in "rsync -aX --filter='$filter'" "--inplace" "--ignore-times"; do
  grep -qF -- "$words" "$LIB/../../docs/OPERATING.md" || fail "the manual does not say $words"
done
cp data "$VOL"

unshare -m true 2>/dev/null || skip "needs an own mount namespace for /etc/xattr.conf"
{ cat /etc/xattr.conf; sed -n 's/^  \(user.mirrorfs.*skip\)$/\1/p' "$LIB/../debian/README.Debian"; } >xattr.conf
assert_match 'skip$' "$(tail -n 1 xattr.conf)"
# shellcheck disable=SC2016 # the inner shell expands it
unshare -m sh -c 'mount --bind xattr.conf /etc/xattr.conf && cp -a "$1" clean' sh "$VOL"
assert_same clean data
assert_equal "" "$(getfattr --absolute-names -d clean)" "attributes of the copy"
# shellcheck disable=SC2016
unshare -m sh -c 'mount --bind xattr.conf /etc/xattr.conf && rsync -aX "$1" unaware' sh "$VOL"
assert_match 'user.mirrorfs.state' "$(getfattr --absolute-names -d unaware)" "rsync does not read it"
