#!/usr/bin/env bash
# Runs every ```sh block of a Markdown file in a checkout. Usage: readme.sh ROOT FILE
# A block after a line <!-- not run: REASON --> is left out.
set -u
cd "$1" || exit 2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
awk -v folder="$folder" '
  /^<!-- not run: / { skip = 1 }
  /^```sh$/ { if (!skip) { inside = 1; file = sprintf("%s/%03d", folder, ++count) } ; next }
  /^```$/ { if (inside) close(file); inside = 0; skip = 0; next }
  inside { print > file }
' "$2"
failures=0
for block in "$folder"/*; do
  [ -e "$block" ] || { echo "$2 has no sh block" >&2; exit 1; }
  sed 's/^/+ /' "$block"
  if ! bash -euo pipefail "$block" >"$folder.out" 2>&1; then
    tail -n 20 "$folder.out"
    failures=$((failures + 1))
  fi
  rm -f "$folder.out"
done
[ "$failures" = 0 ]
