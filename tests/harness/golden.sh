#!/usr/bin/env bash
# Runs the commands of a .test file and compares. Usage: golden.sh PROGRAM ROOT FILE
#
#   # comment
#   $ stepcast list models     a command (bash; $ROOT is the checkout, $PROGRAM the program); all
#                              run in one folder, empty at first
#   ? 2                        its exit code, 0 when not given
#   > text                     its whole standard output, line by line, where any such line is given
#   ~ pattern                  a line of standard output matches (extended regular expression)
#   ! pattern                  a line of standard error matches
#   - pattern                  no line of standard output or error matches
#
# UPDATE_GOLDEN=1 rewrites the `>` lines with what came out.
set -u
PROGRAM=$(realpath "$1")
export PROGRAM
export ROOT=$2
file=$(realpath "$3")
stepcast() { "$PROGRAM" "$@"; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/work"
cd "$folder" || exit 2
failures=0

fail() {
  printf '%s: %s\n  command: %s\n' "${file##*/}" "$1" "$command" >&2
  failures=$((failures + 1))
}

check_patterns() {
  for pattern in "${out_patterns[@]}"; do
    grep -qE -e "$pattern" out || { fail "stdout has no line like: $pattern"; head -n 20 out >&2; }
  done
  for pattern in "${err_patterns[@]}"; do
    grep -qE -e "$pattern" err || { fail "stderr has no line like: $pattern"; head -n 20 err >&2; }
  done
  for pattern in "${never[@]}"; do
    if grep -qE -e "$pattern" out err; then fail "there is a line like: $pattern"; fi
  done
}

finish() { # compares one command and prints its lines, updated, to $folder/.updated
  [ -n "$command" ] || return 0
  (cd "$folder/work" && eval "$command") >out 2>err </dev/null
  code=$?
  sed -i "s|$ROOT|ROOT|g" out err
  [ "$code" = "$wanted" ] || { fail "exit code $code, not $wanted"; head -n 20 err >&2; }
  if [ "$exact" = yes ] && ! diff -u <(printf '%s' "$golden") out >difference; then
    if [ -z "${UPDATE_GOLDEN-}" ]; then
      fail 'stdout differs (- expected, + got)'
      cat difference >&2
    fi
  fi
  check_patterns
  if [ "$exact" = yes ]; then sed 's/^/> /; s/^> $/>/' out >>.updated; fi
}

begin() {
  command=$1 wanted=0 golden='' exact=no out_patterns=() err_patterns=() never=()
}

begin ''
while IFS= read -r line || [ -n "$line" ]; do
  case $line in
    '>'*)
      exact=yes
      text=${line#>}
      golden+="${text# }"$'\n'
      continue
      ;;
  esac
  if [ "${line#\$ }" != "$line" ]; then finish; begin "${line#\$ }"; fi
  case $line in
    '? '*) wanted=${line#? } ;;
    '~ '*) out_patterns+=("${line#??}") ;;
    '! '*) err_patterns+=("${line#??}") ;;
    '- '*) never+=("${line#??}") ;;
    '$ '* | '#'* | '') ;;
    *) echo "${file##*/}: not understood: $line" >&2; exit 2 ;;
  esac
  printf '%s\n' "$line" >>.updated
done <"$file"
finish
if [ -n "${UPDATE_GOLDEN-}" ]; then cp .updated "$file"; fi
[ "$failures" = 0 ]
