# shellcheck shell=bash
# Where the program under test is.

# find_mirrorfs ROOT [PATH]: prints the binary: PATH, else $MIRRORFS, else the package's release
# or debug build. Fails, saying where it looked, when there is none.
find_mirrorfs() {
  local root=$1 asked=${2:-${MIRRORFS:-}} candidate
  if [ -n "$asked" ]; then
    [ -x "$asked" ] || { echo "no program at $asked" >&2; return 1; }
    realpath "$asked"
    return
  fi
  for candidate in "$root/.build/release/mirrorfs" "$root/.build/debug/mirrorfs"; do
    [ -x "$candidate" ] && { realpath "$candidate"; return; }
  done
  echo "no mirrorfs in $root/.build/release or /debug: build it, or give --mirrorfs PATH" >&2
  return 1
}
