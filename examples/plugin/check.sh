#!/bin/sh
# check.sh STEPCAST PLUGIN SCENARIO: the scenario is refused without --allow-plugins, a plug-in
# outside its folder always, and with it the step takes longer than without the plug-in.
set -eu
stepcast=$1 plugin=$2 scenario=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail() { echo "$1" >&2; exit 1; }
step_time() { sed -n 's/.*"step_time_s": *\([0-9.]*\).*/\1/p' "$1" | head -n 1; }

mkdir -p "$folder/inner/build"
cp "$plugin" "$folder/inner/build/loss_average.so"
cp "$plugin" "$folder/outside.so"
cp "$scenario" "$folder/inner/with.yaml"
grep -v '^plugins:' "$scenario" > "$folder/inner/without.yaml"
sed 's|^plugins:.*|plugins: [../outside.so]|' "$scenario" > "$folder/inner/outside.yaml"

code=0; "$stepcast" run "$folder/inner/with.yaml" > /dev/null 2> "$folder/message" || code=$?
[ "$code" -eq 3 ] || fail "without --allow-plugins: exit code $code, not 3"
grep -q -e '--allow-plugins' "$folder/message" || fail "the refusal does not name --allow-plugins"
code=0; "$stepcast" run "$folder/inner/outside.yaml" --allow-plugins > /dev/null 2>&1 || code=$?
[ "$code" -eq 3 ] || fail "a plug-in outside the folder: exit code $code, not 3"

"$stepcast" run "$folder/inner/without.yaml" --json > "$folder/without.json"
"$stepcast" run "$folder/inner/with.yaml" --allow-plugins --json > "$folder/with.json"
awk -v a="$(step_time "$folder/without.json")" -v b="$(step_time "$folder/with.json")" \
  'BEGIN { exit !(a > 0 && b > a && b < 1.1 * a) }' || fail "the plug-in did not lengthen the step"

# A search takes it along, and its journal is of the plug-in's code, too.
search() {
  "$stepcast" search "$folder/inner/$1.yaml" --top 1 --json --allow-plugins --set \
    'search.fixed={tp: 1, pp: 1, cp: 1, micro_batch: 4, zero: 1, recompute: none, offload.optimizer: 0, offload.activations: 0}' \
    --journal "$folder/$1.ndjson" --resume > "$folder/$1.json"
}
search with
search without
awk -v a="$(step_time "$folder/without.json")" -v b="$(step_time "$folder/with.json")" \
  'BEGIN { exit !(a > 0 && b > a && b < 1.1 * a) }' || fail "the plug-in did not lengthen the best step"
printf x >> "$folder/inner/build/loss_average.so"
code=0; search with 2> /dev/null || code=$?
[ "$code" -eq 3 ] || fail "a journal of another plug-in: exit code $code, not 3"
