#!/usr/bin/env bash
# S: the same sectors used twice: by two legs, by two volumes, through symbolic and hard links,
# through loop devices and partitions; neighbours that do not overlap are fine.
# shellcheck source=../../lib/case.sh
source "${BASH_SOURCE[0]%/*}/../../lib/case.sh"

file_leg a 4M
ln -s a.img symbolic.img
ln a.img hard.img
mkdir there
ln -s ../a.img there/also.img

# refused LEG LEG: two legs of one volume, and of two volumes.
refused() {
  config_for "$1" "$2"
  assert_fails "$MIRRORFS" check "$CONFIG"
  assert_match 'config\.yaml:[0-9]+:[0-9]+: .*(twice|same|overlap|already)' "$SAID" "legs $1 and $2"
  {
    printf 'volumes:\n  one:\n    legs:\n'
    leg_lines "$1"
    printf '  two:\n    legs:\n'
    leg_lines "$2"
  } | write_config
  assert_fails "$MIRRORFS" check "$CONFIG"
  assert_match 'config\.yaml:[0-9]+:[0-9]+: .*(twice|same|overlap|already)' "$SAID" "volumes on $1 and $2"
}
refused "$LEG,start=0,count=100" "$LEG,start=99,count=100"
refused "$LEG" "$WORK/symbolic.img"
refused "$LEG" "$WORK/hard.img"
refused "$LEG" "$WORK/there/also.img"
refused "$LEG" "$WORK/there/../a.img"
config_for "$LEG,start=0,count=100" "$WORK/hard.img,start=100,count=100"
"$MIRRORFS" check "$CONFIG"

need_loop
file=$LEG
loop_leg a 4M
whole=$LEG
refused "$file" "$whole"
LEG=$(losetup --find --show --offset 1048576 --sizelimit 1048576 a.img)
defer losetup -d "$LEG"
refused "$file,start=2048,count=8" "$LEG,start=0,count=8"
refused "$whole,start=4095,count=8" "$LEG,start=2040,count=8"
config_for "$file,start=0,count=2048" "$LEG"
"$MIRRORFS" check "$CONFIG"
