#!/bin/sh
# Every header compiles alone. Usage: headers.sh ROOT COMPILER; headers.sh ROOT COMPILER HEADER
set -u
cd "$1" || exit 2
if [ $# = 3 ]; then
  mpi=
  case $3 in apps/mpi/*) # where MPI's own headers are, if there are any
    command -v mpicxx >/dev/null || exit 0
    mpi=$(mpicxx -showme:incdirs 2>/dev/null | sed 's/[^ ][^ ]*/-isystem &/g')
    ;;
  esac
  # shellcheck disable=SC2086  # one argument a folder
  printf '#include "%s"\n' "$3" |
    "$2" -std=c++20 -fsyntax-only -Wall -Wextra -I. $mpi -x c++ - && exit
  echo "$3 does not compile alone" >&2
  exit 1
fi
find sim topologies collectives models strategies scenarios studies formats reports apps \
  -name '*.hpp' -print0 | xargs -0 -P "$(nproc)" -n 1 tests/harness/headers.sh "$1" "$2"
