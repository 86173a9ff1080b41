#!/usr/bin/env bash
# The search over 1, 2 and 4 MPI ranks prints the bytes of the search on threads, and keeps the same
# journal. Usage: search_mpi.sh PROGRAM MPI_PROGRAM SCENARIO
set -eu
program=$1 mpi=$2 scenario=$3
command -v mpirun >/dev/null || exit 77
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
ranks() { mpirun --oversubscribe -n "$@"; }

"$program" search "$scenario" --json --threads 1 --journal one.ndjson >one.json
"$program" search "$scenario" --json --threads 2 >two.json
cmp one.json two.json
for n in 1 2 4; do
  ranks "$n" "$mpi" search "$scenario" --json --journal "ranks$n.ndjson" >"ranks$n.json"
  cmp one.json "ranks$n.json"
  cmp one.ndjson "ranks$n.ndjson"
done

# Without mpirun it is a single rank; other commands run once; errors are said once.
"$mpi" search "$scenario" --json >single.json
cmp one.json single.json
[ "$(ranks 2 "$mpi" --version | wc -l)" = 1 ]
code=0
ranks 2 "$mpi" search missing.yaml 2>message || code=$?
[ "$code" = 5 ]
[ "$(grep -c 'missing.yaml: error' message)" = 1 ]

# The plain program does not know MPI.
if ldd "$program" | grep -q libmpi; then echo 'stepcast links MPI' >&2; exit 1; fi
