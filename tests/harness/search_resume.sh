#!/usr/bin/env bash
# A search that is killed at any moment and resumed ends with the bytes of one that was left alone,
# in its result and in its journal. Usage: search_resume.sh PROGRAM SCENARIO [KILLS]
set -eu
program=$1 scenario=$2 kills=${3:-20}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

start=${EPOCHREALTIME/[^0-9]/}
"$program" search "$scenario" --json --journal whole.ndjson >whole.json
whole=$((${EPOCHREALTIME/[^0-9]/} - start))
lines=$(wc -l <whole.ndjson)
[ "$lines" -gt 100 ] || { echo "only $lines evaluations to interrupt" >&2; exit 1; }

RANDOM=1
cut_short=0
for round in $(seq "$kills"); do
  rm -f journal.ndjson
  "$program" search "$scenario" --json --journal journal.ndjson --resume >part.json &
  pid=$!
  delay=$((RANDOM * whole / 32768))
  sleep "$(printf '%d.%06d' $((delay / 1000000)) $((delay % 1000000)))"
  if kill -9 "$pid" 2>/dev/null; then cut_short=$((cut_short + 1)); fi
  wait "$pid" 2>/dev/null || true
  # A write that was cut short by the end of the machine: part of a line.
  if [ $((round % 4)) = 0 ] && [ -s journal.ndjson ]; then printf '{"core":1,"va' >>journal.ndjson; fi
  "$program" search "$scenario" --json --journal journal.ndjson --resume >resumed.json
  cmp whole.json resumed.json
  cmp whole.ndjson journal.ndjson
done
echo "$kills rounds, $cut_short searches killed, $lines lines of journal"
[ "$cut_short" -ge $((kills / 2)) ]

# Asked to stop, a search keeps what it has, says so, and can go on.
rm -f journal.ndjson
code=0
timeout --preserve-status -s INT "$(printf '%d.%06d' $((whole / 2000000)) $((whole / 2 % 1000000)))" \
  "$program" search "$scenario" --json --journal journal.ndjson >part.json 2>message || code=$?
if [ "$code" != 0 ]; then
  [ "$code" = 130 ]
  grep -q interrupted message
  "$program" search "$scenario" --json --journal journal.ndjson --resume >resumed.json
  cmp whole.json resumed.json
  cmp whole.ndjson journal.ndjson
fi

# Another scenario's journal, and one that is in the way, are refused.
code=0
"$program" search "$scenario" --journal journal.ndjson 2>message || code=$?
[ "$code" = 5 ]
grep -q -e --resume message
code=0
"$program" search "$scenario" --set training.global_batch=32 --journal journal.ndjson --resume \
  2>message || code=$?
[ "$code" = 3 ]
grep -q 'another scenario' message
