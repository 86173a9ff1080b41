#!/bin/sh
# Every header compiles alone. Usage: headers.sh ROOT COMPILER; headers.sh ROOT COMPILER HEADER
set -u
cd "$1" || exit 2
if [ $# = 3 ]; then
  printf '#include "%s"\n' "$3" | "$2" -std=c++20 -fsyntax-only -Wall -Wextra -I. -x c++ - && exit
  echo "$3 does not compile alone" >&2
  exit 1
fi
find sim topologies collectives models strategies scenarios studies formats reports apps \
  -name '*.hpp' -print0 | xargs -0 -P "$(nproc)" -n 1 tests/harness/headers.sh "$1" "$2"
