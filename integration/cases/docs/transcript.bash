# shellcheck shell=bash
# Runs the terminal transcripts of a document, in order and in one shell, and compares what the
# commands print with what the document says that they print.
#
#   ```console          lines `$ COMMAND` (continued by lines `> ...`), and the output of each;
#                       `...` stands for any text in a line, and alone for any lines
#   <!-- file: PATH --> the next fenced block is written to PATH
#   <!-- run: COMMAND --> runs unseen: what a machine would bring about, such as a failing disk
#
# The document's folders lie in the case's own one; times and the engine's name may differ.

# Folders and files as documents name them, and what stands for them here.
places=(/srv/ /mnt/ /var/lib/mirrorfs /var/log/ /usr/local/bin/)

# here TEXT: the document's paths as they are in this case.
here() {
  local text=$1 place
  for place in "${places[@]}"; do text=${text//"$place"/"$WORK$place"}; done
  printf '%s' "${text//.build\/release\/mirrorfs/"$MIRRORFS"}"
}

# as_documented: output with the case's folder, times and engine taken out.
as_documented() {
  sed -E -e "s|$WORK/|/|g; s|20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z|TIME|g" \
    -e 's/engine=(uring|threads)/engine=ENGINE/; s/\(process [0-9]+\)/(process N)/'
}

status_is() { return "$1"; }

# run_command LINE_NUMBER COMMAND: leaves output in $WORK/.said, and in $status how it ended.
run_command() {
  local command
  command=$(here "$2")
  # The command sees the status of the one before, and runs in this shell, as one typed would.
  { status_is "$status" || true; } 2>/dev/null
  if [ "$2" = 'echo $?' ]; then
    echo "$status" >"$WORK/.said"
    status=0
    return
  fi
  [ "$status" -eq 0 ] || fail "$document:$line_of_command: status $status: $(cat "$WORK/.said")"
  status=0
  line_of_command=$1
  eval "$command" >"$WORK/.said" 2>&1 </dev/null || status=$?
}

# compare LINE_NUMBER EXPECTED_LINE...: with what the last command printed.
compare() {
  local number=$1 expected pattern found=() next=0 isAny=''
  shift
  # Empty lines at the end say nothing.
  mapfile -t found <<<"$(as_documented <"$WORK/.said")"
  [ -n "${found[*]}" ] || found=()
  for expected in "$@"; do
    if [ "$expected" = ... ]; then
      isAny=1
      continue
    fi
    [ -n "$expected" ] || [ "$next" -lt ${#found[@]} ] || continue
    pattern=$(as_documented <<<"$expected" | sed -e 's/[][*?\\]/\\&/g; s/\.\.\./*/g')
    # shellcheck disable=SC2053 # the right side is a glob on purpose
    while [ -n "$isAny" ] && [ "$next" -lt ${#found[@]} ] && [[ ${found[next]} != $pattern ]]; do
      next=$((next + 1))
    done
    # shellcheck disable=SC2053
    if [ "$next" -ge ${#found[@]} ] || [[ ${found[next]} != $pattern ]]; then
      fail "$document:$number: expected '$expected', found:
$(as_documented <"$WORK/.said")"
    fi
    next=$((next + 1)) isAny=''
  done
  [ -n "$isAny" ] || [ "$next" -eq ${#found[@]} ] ||
    fail "$document:$number: more output than the document shows: ${found[*]:next}"
}

# run_block FIRST_LINE LINE...: the inside of one console block.
run_block() {
  local number=$1 line command='' at=0 output=()
  shift
  for line in "$@" '$ :'; do
    case $line in
      '$ '*)
        if [ -n "$command" ]; then
          run_command "$at" "$command"
          compare "$at" "${output[@]}"
        fi
        command=${line#\$ } at=$number output=()
        commands=$((commands + 1))
        ;;
      '> '*) command+=$'\n'${line#> } ;;
      *) output+=("$line") ;;
    esac
    number=$((number + 1))
  done
}

# run_document PATH: everything that is marked in it, from its first line to its last.
run_document() {
  document=${1##*/} line_of_command=0 status=0 commands=0
  local line number=0 fence='' lines=() first=0 file=''
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    case $fence in
      '')
        case $line in
          '<!-- run: '*' -->')
            line=${line#<!-- run: }
            run_command "$number" "${line% -->}"
            ;;
          '<!-- file: '*' -->') file=${line#<!-- file: } file=$(here "${file% -->}") ;;
          '```'*) fence=${line#\`\`\`} fence=${fence:-text} lines=() first=$((number + 1)) ;;
        esac
        ;;
      *)
        if [ "$line" != '```' ]; then
          lines+=("$line")
          continue
        fi
        if [ -n "$file" ]; then
          mkdir -p "$(dirname "$file")"
          here "$(printf '%s\n' "${lines[@]}")" >"$file"
        elif [ "$fence" = console ]; then
          run_block "$first" "${lines[@]}"
        fi
        fence='' file=''
        ;;
    esac
  done <"$1"
  [ "$status" -eq 0 ] || fail "$document:$line_of_command: status $status: $(cat "$WORK/.said")"
  assert_at_least 1 "$commands" "commands in $document"
}
